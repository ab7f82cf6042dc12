import Engine
import WAL

/// What goes with the records behind a position.
struct Loss {
    private struct EventLoss {
        var holds = 0
        var sales = 0
        var tickets = 0
        var refunds = 0
        var others = 0
    }

    /// Everything behind this position is lost.
    let position: UInt64
    private(set) var records = 0
    private var last: UInt64
    private var times: ClosedRange<Milliseconds>?
    private var events: [EventKey: EventLoss] = [:]
    private var names: [EventKey: String] = [:]

    init(behind position: UInt64, in check: FolderCheck) {
        self.position = position
        last = position
        for event in check.newest.replay.events {
            names[event.key] = event.isOfTenant ? "venues" : "\(event.details.id)"
            names[event.key]! += " (tenant \(event.tenant))"
        }
    }

    /// Counts the record when it is one of those.
    mutating func add(_ payload: UnsafeRawBufferPointer, at place: RecordPlace) {
        guard place.position > position else { return }
        records += 1
        last = max(last, place.position)
        guard let record = try? EventRecord(payload) else { return }
        times = min(times?.lowerBound ?? record.at, record.at)...max(times?.upperBound ?? record.at, record.at)
        var loss = events[record.event] ?? EventLoss()
        for fact in record.facts {
            switch fact {
            case .holdPlaced: loss.holds += 1
            case .holdConfirmed: loss.sales += 1
            case .ticketsRefunded(_, let tickets, _):
                loss.refunds += 1
                loss.tickets += tickets.count
            case .eventCreated(let tenant, let details, _):
                names[record.event] = "\(details.id) (tenant \(tenant))"
                loss.others += 1
            default: loss.others += 1
            }
        }
        events[record.event] = loss
    }

    /// One sentence a line.
    var lines: [String] {
        guard records > 0 else { return ["No readable record is lost."] }
        let from = times.map { FolderReport.text(of: $0.lowerBound) } ?? "?"
        let to = times.map { FolderReport.text(of: $0.upperBound) } ?? "?"
        let unreadable = Int(last - position) - records
        var lines = [
            "\(records) records are lost, from position \(position + 1) to \(last), decided from \(from) to \(to)"
                + (unreadable > 0 ? "; \(unreadable) more in between can't be read." : ".")
        ]
        for (key, loss) in events.sorted(by: { $0.key.rawValue < $1.key.rawValue }).prefix(100) {
            let name = names[key] ?? "number \(String(key.rawValue, radix: 16))"
            lines.append(
                "  event \(name): \(loss.holds) reservations made, \(loss.sales) sales, \(loss.refunds) refunds "
                    + "(\(loss.tickets) tickets), \(loss.others) other changes"
            )
        }
        if events.count > 100 { lines.append("  and \(events.count - 100) more events") }
        return lines
    }
}
