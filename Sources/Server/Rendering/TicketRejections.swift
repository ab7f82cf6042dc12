import Engine

extension Problem {
    /// How refusals of after the sale look outside.
    /// - Precondition: one of them.
    static func afterSale(_ rejection: Rejection) -> Problem {
        switch rejection {
        case .noSuchTicket: Problem(.notFound, "TICKET_NOT_FOUND", "Ticket not found", "There is no such ticket.")
        case .ticketCheckedIn(let at):
            Problem(.conflict, "TICKET_CHECKED_IN", "Ticket checked in", "The ticket was checked in at \(time: at).")
        case .restockOfCheckedIn(let index, let count):
            Problem(
                .conflict,
                "TICKET_CHECKED_IN",
                "Ticket checked in",
                """
                \(count) of these tickets are checked in, the first is number \(index) of the order: their places can't be \
                sold again. Refund them with restock false.
                """
            )
        case .eventCancelled(let at):
            Problem(.conflict, "EVENT_CANCELLED", "Event cancelled", "The event was cancelled at \(time: at).")
        case .transferNotFound:
            Problem(
                .notFound,
                "TRANSFER_NOT_FOUND",
                "Transfer not found",
                "The ticket is not offered, or not with this code, or not to this customer."
            )
        case .transferExpired(let at):
            Problem(.gone, "TRANSFER_EXPIRED", "Transfer expired", "The offer of the ticket ended at \(time: at).")
        case .transferPending:
            Problem(
                .conflict,
                "TRANSFER_PENDING",
                "Transfer pending",
                "The ticket is offered already; withdraw the offer to make another one."
            )
        case .tooManyTransfers(let limit):
            Problem(
                .conflict,
                "TOO_MANY_TRANSFERS",
                "Too many transfers",
                "The ticket has changed hands \(limit) times, which is as often as it may."
            )
        case .transferDeadlinePassed: validation("expires_at", "must be a time ahead, before 2248")
        case .tooManyGates(let limit):
            Problem(.conflict, "TOO_MANY_GATES", "Too many gates", "An event has at most \(limit) gates.")
        case .tooManyGateSections:
            validation("capacity_ids", "must have at most \(InventoryLimits.sectionsPerGateMax) entries")
        case .gateWindowInvalid: validation("closes_at", "must be later than opens_at, both from 1970 to 2248")
        case .scansOutOfRange: validation("scans", "must have 1 to \(InventoryLimits.scansPerListMax) scans")
        case .scanTimeOutOfRange: validation("scanned_at", "must be from 1970 to 2248")
        case .cancelledWithSales(let sold):
            Problem(
                .conflict,
                "EVENT_HAS_SALES",
                "Event has sales",
                "The event was cancelled with \(sold) tickets sold; it can't be restored."
            )
        case .cancellationUnfinished(let reserved):
            Problem(
                .conflict,
                "EVENT_BEING_CANCELLED",
                "Event being cancelled",
                "\(reserved) places of reservations are still to be released; try again in a moment."
            )
        default: preconditionFailure("not a refusal of after the sale")
        }
    }

    private static func validation(_ field: String, _ message: String) -> Problem {
        .validationFailed([ProblemDetails.FieldError(field: field, message: message)])
    }
}
