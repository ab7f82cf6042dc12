import Auth
import Engine

/// A line of a batch as work for the engine.
enum BatchWork {
    case command(EventKey, Submission.Work)
    indirect case change(ReadThenWrite)

    var event: EventKey {
        switch self {
        case .command(let event, _): event
        case .change(let change): change.event
        }
    }
}

// Lines: the same fields and commands as the sale's routes, with the path's id and the key among the members.

extension Router {
    /// Reads one line.
    /// - Parameters:
    ///   - role: what the batch's token says that the caller is; nil where no tokens are asked for.
    ///   - context: the line's; gets its key.
    ///   - reply: the line's; gets its subject, and the request's name once the key is known.
    func line(
        _ bytes: UnsafeRawBufferPointer,
        role: Role? = nil,
        _ context: inout CommandContext,
        _ reply: inout ReplyContext,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> BatchWork {
        guard bytes.count <= BatchRequest.lineBytesMax else { throw .lineTooLarge }
        var body = BodyReader(bytes)
        let operation = try read(&body) { body throws(JSONError) in try body.beginLine() }
        guard let operation else { throw .validationFailed(body.errors) }
        if let role, !operation.access.contains(role) { throw .notForRole(role) }
        reply.subject = operation.subject
        let work = try work(operation, &body, &context, &reply, &sections)
        if case .command(let event, .command(let command)) = work, context.idempotency != nil {
            context.identify(by: command.fingerprint(of: event))
        }
        return work
    }

    private func work(
        _ operation: BatchOperation,
        _ body: inout BodyReader,
        _ context: inout CommandContext,
        _ reply: inout ReplyContext,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> BatchWork {
        switch operation {
        case .reserve:
            let fields = try read(&body) { body throws(JSONError) in try ReserveFields(single: &body) }
            let target = try finish(&body, &context, &reply)
            let (event, command) = try fields.command(
                for: target.flatMap { $0.withBytes { ShortText(utf8: $0) } },
                context,
                &sections
            )
            return .command(event, .command(command))
        case .reservations:
            let fields = try read(&body) { body throws(JSONError) in try ReserveFields(several: &body) }
            _ = try finish(&body, &context, &reply)
            let (event, command) = try fields.command(context, &sections)
            return .command(event, .command(command))
        case .priceLock:
            let fields = try read(&body) { body throws(JSONError) in try PriceLockFields(&body) }
            let id = try reservation(&body, &context, &reply)
            return .command(id.event, .command(try fields.command(for: id)))
        case .extend:
            let fields = try read(&body) { body throws(JSONError) in try ExtensionFields(&body) }
            let id = try reservation(&body, &context, &reply)
            return .command(id.event, .command(.extend(id, seconds: fields.seconds!)))
        case .confirm:
            let fields = try read(&body) { body throws(JSONError) in try ConfirmFields(&body) }
            let id = try reservation(&body, &context, &reply)
            if fields.amount != nil { return .change(fields.change(of: id, context, reply)) }
            return .command(id.event, .command(fields.command(for: id)))
        case .release:
            try read(&body) { body throws(JSONError) in try body.readOver() }
            let id = try reservation(&body, &context, &reply)
            return .command(id.event, .command(.release(id)))
        case .refund: return try refund(&body, &context, &reply)
        case .transfer:
            let fields = try read(&body) { body throws(JSONError) in try TransferFields(&body) }
            let id = try ticket(&body, &context, &reply)
            return .command(id.event, .command(fields.command(for: id)))
        case .accept:
            let principal = context.principal
            let fields = try read(&body) { body throws(JSONError) in try AcceptanceFields(&body, by: principal) }
            let id = try ticket(&body, &context, &reply)
            return .command(id.event, .command(try fields.command(for: id)))
        case .validate:
            let fields = try read(&body) { body throws(JSONError) in try ScanFields(&body) }
            _ = try finish(&body, &context, &reply)
            if let shape = fields.shape { reply.shape = shape }
            let (event, command) = try fields.command(context)
            return .command(event, .command(command))
        }
    }

    /// Tickets are told by the order they are of, and a line may name the order behind them: so it is read twice.
    private func refund(
        _ body: inout BodyReader,
        _ context: inout CommandContext,
        _ reply: inout ReplyContext
    ) throws(Problem) -> BatchWork {
        var ahead = body
        try read(&ahead) { body throws(JSONError) in try body.readOver() }
        let target = try finish(&ahead, &context, &reply)
        guard let id = target.flatMap({ $0.withBytes { PublicIdentifiers.hold($0, as: .order) } }) else {
            throw Problem(.orderNotFound, of: NoEvent())
        }
        let fields = try read(&body) { body throws(JSONError) in try RefundFields(&body, order: id) }
        try body.check()
        return .command(id.event, .command(fields.command(for: id)))
    }

    // MARK: - Members of the line

    private func read<Fields>(
        _ body: inout BodyReader,
        _ read: (inout BodyReader) throws(JSONError) -> Fields
    ) throws(Problem) -> Fields {
        do throws(JSONError) {
            return try read(&body)
        } catch {
            throw .malformedBody(error)
        }
    }

    private func reservation(
        _ body: inout BodyReader,
        _ context: inout CommandContext,
        _ reply: inout ReplyContext
    ) throws(Problem) -> HoldID {
        let target = try finish(&body, &context, &reply)
        guard let id = target.flatMap({ $0.withBytes { PublicIdentifiers.hold($0, as: .reservation) } }) else {
            throw .reservationNotFound
        }
        return id
    }

    private func ticket(
        _ body: inout BodyReader,
        _ context: inout CommandContext,
        _ reply: inout ReplyContext
    ) throws(Problem) -> TicketID {
        let target = try finish(&body, &context, &reply)
        guard let id = target.flatMap({ $0.withBytes { PublicIdentifiers.ticket($0) } }) else { throw .ticketNotFound }
        return id
    }

    /// Takes the key, and throws all errors of the line that were noted.
    /// - Returns: the value of the member that names a thing; nil for the operation without one.
    private func finish(
        _ body: inout BodyReader,
        _ context: inout CommandContext,
        _ reply: inout ReplyContext
    ) throws(Problem) -> JSONString? {
        guard let members = body.line else { preconditionFailure("not a line") }
        if let key = members.key {
            guard let identity = identity(of: key, context) else {
                body.note("idempotency_key", "must be 1 to 255 visible ASCII characters")
                throw .validationFailed(body.errors)
            }
            context.idempotency = identity
            reply.requestID = RequestID(identity)
        } else if requiresIdempotencyKey {
            throw .idempotencyKeyRequired
        }
        body.requireTarget()
        try body.check()
        return members.target
    }

    /// As of a request's header field; nil for what can't be a key.
    private func identity(of key: JSONString, _ context: CommandContext) -> IdempotencyKey? {
        key.withBytes { bytes in
            guard Call.isIdempotencyKey(bytes) else { return nil }
            return IdempotencyKey(tenant: context.tenant, principal: context.actor, key: bytes, fingerprint: 0)
        }
    }
}
