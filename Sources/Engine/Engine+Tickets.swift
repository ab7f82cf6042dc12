// After the sale, for people who embed the engine: as in `Engine+Sale.swift`, every function returns when its effect is
// durable, and throws `EngineError.rejected` with the reason when it is refused.

/// What a refund comes to.
public struct Refund: Equatable, Sendable {
    /// The order with it.
    public var order: HoldState
    /// Indexes of the tickets that it gave back, ascending.
    public var tickets: [UInt32]
    /// What is to be paid back, fees and tax included, in minor units.
    public var amount: Int64
}

extension Engine {
    /// Gives tickets back.
    /// - Parameters:
    ///   - tickets: indexes into the order's tickets; empty for all that are left.
    ///   - restock: whether their places are sold again.
    public func refund(
        _ order: HoldID,
        tickets: [UInt32] = [],
        restock: Bool = true,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> Refund {
        let command = Command.refund(order, tickets: tickets, restock: restock)
        guard case .refunded(let hold, let tickets, _, _) = try await run(command, order.event, caller) else {
            throw .outcomeUnknown
        }
        return Refund(order: hold, tickets: tickets, amount: hold.refundedAmount(tickets))
    }

    /// Offers a ticket: whoever is told the code in the answer's `offer` may take it.
    /// - Parameters:
    ///   - recipient: the one customer who may; empty for anybody.
    ///   - expiresAt: from then on nobody may; nil for an offer without an end.
    public func offerTransfer(
        of ticket: TicketID,
        to recipient: ShortText = .empty,
        expiresAt: Milliseconds? = nil,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> TicketView {
        let command = Command.offerTransfer(ticket, recipient: recipient, expiresAt: expiresAt)
        return try view(try await run(command, ticket.event, caller))
    }

    public func withdrawTransfer(
        of ticket: TicketID,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> TicketView {
        try view(try await run(.withdrawTransfer(ticket), ticket.event, caller))
    }

    /// Takes an offered ticket; it has another code then.
    /// - Parameter customer: who takes it, for a caller who acts for the whole tenant; empty for the caller.
    public func acceptTransfer(
        of ticket: TicketID,
        code: TicketCode,
        customer: ShortText = .empty,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> TicketView {
        try view(try await run(.acceptTransfer(ticket, code, customer: customer), ticket.event, caller))
    }

    /// Lets somebody in, or says why not: that is an outcome like any other, and thrown is only what is wrong with the list.
    /// - Parameter scans: 1 to `InventoryLimits.scansPerListMax`.
    /// - Returns: one for each scan, in their order.
    public func validate(
        _ scans: [TicketScan],
        in event: EventKey,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> [ScanOutcome] {
        guard case .scanned(let outcomes, _) = try await run(.scan(scans, isList: true), event, caller) else {
            throw .outcomeUnknown
        }
        return outcomes
    }

    /// Adds a gate, or changes the one of the same id whole.
    public func setGate(
        _ gate: GateDetails,
        of event: EventKey,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> GateDetails {
        guard case .gate(let details) = try await run(.setGate(gate), event, caller) else { throw .outcomeUnknown }
        return details
    }

    /// Calls the event off: nothing is sold any more, every live reservation ends, every order is due for refund.
    public func cancel(_ event: EventKey, by caller: Caller = Caller()) async throws(EngineError) -> EventView {
        guard case .event(let view) = try await run(.cancelEvent, event, caller) else { throw .outcomeUnknown }
        return view
    }

    private func view(_ answer: Answer) throws(EngineError) -> TicketView {
        guard case .ticket(let view) = answer else { throw .outcomeUnknown }
        return view
    }
}
