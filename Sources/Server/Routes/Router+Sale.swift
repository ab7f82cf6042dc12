import Engine

// The sale: reservations and orders.

extension Router {
    func reserveSection(
        _ name: PercentText?,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ReserveFields(single: &body) }
        try body.check()
        let (event, command) = try fields.command(for: name?.shortText, call.context, &sections)
        return call.sale(event, command)
    }

    func reserve(_ call: inout Call, _ sections: inout some SectionLookup) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ReserveFields(several: &body) }
        try body.check()
        let (event, command) = try fields.command(call.context, &sections)
        return call.sale(event, command)
    }

    // MARK: - One reservation

    func reservation(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest {
        guard let name, let id = PublicIdentifiers.hold(name.content, as: .reservation) else {
            throw .reservationNotFound
        }
        switch endpoint {
        case .reservationPriceLock: return try lockPrice(id, call)
        case .reservationExtend: return try extend(id, call)
        case .reservationConfirm: return try confirm(id, call)
        case .reservationRelease:
            try call.readEmptyBody()
            return call.sale(id.event, .release(id))
        default:
            guard call.request.method == .delete else { return call.submission(id.event, .reservation(id)) }
            try call.readEmptyBody()
            call.reply.shape = .noContent
            return call.sale(id.event, .release(id))
        }
    }

    private func lockPrice(_ id: HoldID, _ call: Call) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try PriceLockFields(&body) }
        try body.check()
        return call.sale(id.event, try fields.command(for: id))
    }

    private func extend(_ id: HoldID, _ call: Call) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ExtensionFields(&body) }
        try body.check()
        return call.sale(id.event, .extend(id, seconds: fields.seconds!))
    }

    private func confirm(_ id: HoldID, _ call: Call) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ConfirmFields(&body) }
        try body.check()
        guard fields.amount != nil else { return call.sale(id.event, fields.command(for: id)) }
        return .readThenWrite(fields.change(of: id, call.context, call.reply))
    }

    // MARK: - Orders

    func order(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest {
        guard let name, let id = PublicIdentifiers.hold(name.content, as: .order) else {
            throw Problem(.orderNotFound, of: NoEvent())
        }
        guard endpoint == .orderRefund else { return call.submission(id.event, .order(id)) }
        let (fields, body) = try call.readBody { body throws(JSONError) in try RefundFields(&body, order: id) }
        try body.check()
        return call.sale(id.event, fields.command(for: id))
    }
}

extension Problem {
    static var capacityNotFound: Problem { Problem(.sectionNotFound, of: NoEvent()) }
    static var pricingNotFound: Problem { Problem(.tierNotFound, of: NoEvent()) }
    static var reservationNotFound: Problem { Problem(.reservationNotFound, of: NoEvent()) }
    static var eventNotFound: Problem { Problem(.eventNotFound, of: NoEvent()) }
}
