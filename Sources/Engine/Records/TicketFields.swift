import WAL

// Facts of after the sale in a record, kinds 30 to 37, and the fields that they share with answers.

extension Fact {
    /// - Precondition: a fact of after the sale.
    func encodeAfterSale(into buffer: inout RecordBuffer) {
        switch self {
        case .ticketCheckedIn(let reference, let ticket, let checkIn):
            buffer.write(reference)
            buffer.write(ticket)
            buffer.write(checkIn)
        case .transferOffered(let reference, let ticket, let offer):
            buffer.write(reference)
            buffer.write(ticket)
            buffer.write(offer)
        case .transferWithdrawn(let reference, let ticket):
            buffer.write(reference)
            buffer.write(ticket)
        case .transferAccepted(let reference, let ticket, let transfer):
            buffer.write(reference)
            buffer.write(ticket)
            buffer.write(transfer)
        case .gateSet(let details): buffer.write(details)
        case .eventCancelled(let at), .cancellationRestored(let at): buffer.write(at)
        case .ticketsRestored(let reference, let histories):
            buffer.write(reference)
            buffer.write(UInt16(histories.count))
            for history in histories { buffer.write(history) }
        default: preconditionFailure("not a fact of after the sale")
        }
    }

    static func afterSale(_ kind: UInt8, from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) -> Fact {
        switch kind {
        case 34: return .gateSet(try decoder.readGate())
        case 35: return .eventCancelled(at: try decoder.read())
        case 37: return .cancellationRestored(at: try decoder.read())
        default: break
        }
        let reference = try decoder.readReference()
        if kind == 36 {
            var histories: [TicketHistory] = []
            for _ in 0..<(try decoder.read(UInt16.self)) { histories.append(try decoder.readHistory()) }
            return .ticketsRestored(reference, histories)
        }
        let ticket = try decoder.read(UInt32.self)
        return switch kind {
        case 30: .ticketCheckedIn(reference, ticket: ticket, try decoder.readCheckIn())
        case 31: .transferOffered(reference, ticket: ticket, try decoder.readOffer())
        case 32: .transferWithdrawn(reference, ticket: ticket)
        default: .transferAccepted(reference, ticket: ticket, try decoder.readTransfer())
        }
    }
}

extension RecordBuffer {
    mutating func write(_ checkIn: CheckIn) {
        write(checkIn.scannedAt)
        write(checkIn.receivedAt)
        write(optional: checkIn.gate)
    }

    mutating func write(_ code: TicketCode) {
        write(code.high)
        write(code.low)
    }

    mutating func write(_ offer: TransferOffer) {
        write(offer.code)
        write(offer.recipient)
        write(offer.offeredAt)
        write(optional: offer.expiresAt)
    }

    mutating func write(_ transfer: TicketTransfer) {
        write(transfer.holder)
        write(transfer.at)
    }

    mutating func write(_ gate: GateDetails) {
        write(gate.id)
        write(gate.name)
        write(gate.sections)
        write(optional: gate.opensAt)
        write(optional: gate.closesAt)
    }

    fileprivate mutating func write(_ history: TicketHistory) {
        write(history.index)
        write(history.checkIn != nil)
        if let checkIn = history.checkIn { write(checkIn) }
        let transfers = history.transfers
        write(UInt8(transfers.count))
        for transfer in transfers { write(transfer) }
        write(history.offer != nil)
        if let offer = history.offer { write(offer) }
    }
}

extension RecordDecoder {
    mutating func readCheckIn() throws(Malformed) -> CheckIn {
        CheckIn(scannedAt: try read(), receivedAt: try read(), gate: try readOptional())
    }

    mutating func readCode() throws(Malformed) -> TicketCode { TicketCode(high: try read(), low: try read()) }

    mutating func readOffer() throws(Malformed) -> TransferOffer {
        TransferOffer(
            code: try readCode(),
            recipient: try readShortText(),
            offeredAt: try read(),
            expiresAt: try readOptional()
        )
    }

    mutating func readTransfer() throws(Malformed) -> TicketTransfer {
        TicketTransfer(holder: try readShortText(), at: try read())
    }

    mutating func readGate() throws(Malformed) -> GateDetails {
        GateDetails(
            id: try readShortText(),
            name: try readString(),
            sections: try readNumbers(),
            opensAt: try readOptional(),
            closesAt: try readOptional()
        )
    }

    fileprivate mutating func readHistory() throws(Malformed) -> TicketHistory {
        let index = try read(UInt32.self)
        let checkIn = try readBool() ? try readCheckIn() : nil
        let count = Int(try read(UInt8.self))
        guard count <= InventoryLimits.transfersPerTicketMax else {
            throw malformed("a ticket with \(count) transfers")
        }
        var transfers: [TicketTransfer] = []
        for _ in 0..<count { transfers.append(try readTransfer()) }
        let offer = try readBool() ? try readOffer() : nil
        return TicketHistory(index: index, checkIn: checkIn, transfers: transfers, offer: offer)
    }
}
