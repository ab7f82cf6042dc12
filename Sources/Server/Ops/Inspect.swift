import ArgumentParser
import Engine
import WAL

/// `holdfast inspect`: the log's records in readable form.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the log's records in readable form.",
        discussion: """
            Changes nothing. Records that only a snapshot holds any more are not shown.

            Exit status: 0 done, 1 the command is refused, 2 the folder is damaged or can't be read (no such folder, no \
            permission, a server uses it), 64 wrong usage.
            """
    )

    @Option(help: ArgumentHelp("The data folder; no server may be using it.", valueName: "folder"))
    var data: String

    @Option(help: ArgumentHelp("The first position to show.", valueName: "position"))
    var from: UInt64 = 1

    @Option(help: ArgumentHelp("Show this event only (its id), of the tenant given by --tenant.", valueName: "id"))
    var event: String?

    @Option(help: ArgumentHelp("The tenant of --event.", valueName: "id"))
    var tenant: String = "default"

    @Option(help: ArgumentHelp("Records to show at most; without it all.", valueName: "records"))
    var limit: Int?

    func run() throws {
        try OperatorCommand.run(on: data) { try inspect($0) }
    }

    private func inspect(_ device: any LogDevice) throws {
        let only = try event.map { id in
            guard let tenant = ShortText(tenant), let id = ShortText(id) else {
                throw ValidationError("A tenant and an event id have at most 64 bytes.")
            }
            return EventKey(tenant: tenant, event: id)
        }
        let log = try WriteAheadLog.openReadOnly(folder: data, device: device)
        defer { try? log.close() }
        var shown = 0
        let first = max(from, log.oldestPosition.rawValue)
        if first > from { print("# records before \(first) are in the snapshot only") }
        _ = try log.replay(from: LogPosition(first)) { position, payload in
            guard shown < limit ?? .max else { return }
            let record = try EventRecord(payload)
            guard only == nil || only == record.event else { return }
            shown += 1
            Self.show(record, at: position)
        }
    }

    private static func show(_ record: EventRecord, at position: LogPosition) {
        let key = record.key.map { " key \(String($0.high, radix: 16))\(String($0.low, radix: 16))" } ?? ""
        let actor = record.whoAsked.isEmpty ? "" : " by \(record.whoAsked)"
        print("\(position) event \(String(record.event.rawValue, radix: 16)) at \(record.at)\(actor)\(key)")
        for fact in record.facts { print("    \(fact)") }
        if record.facts.isEmpty { print("    refused; the answer is kept for retries") }
    }
}
