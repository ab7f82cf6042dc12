import Foundation
import Synchronization

@testable import Engine
@testable import Postgres
@testable import ReferenceModel
@testable import WAL

/// One event's random sale.
struct RandomSale {
    private var subject: ModelSubject
    private var model: ModelEvent
    private var commands: ModelCommands

    var inventory: EventInventory { subject.inventory }

    init(seed: UInt64, number: Int) throws {
        commands = ModelCommands(seed: seed &+ UInt64(number) &* 0x2545_f491_4f6c_dd1d, sectionPrefix: "part-\(number)")
        var details = commands.eventDetails(number: number)
        details.attributes = #""note":"tab\t, \\ and \#u{1f3ab}""#
        let context = commands.context()
        subject = try ModelSubject(creating: details, context)
        model = ModelEvent(tenant: context.tenant, details: details, at: context.now)
        for number in 0..<(2 + commands.below(3)) { perform(.addSection(commands.section(number))) }
        for number in model.sections.indices where commands.chance(50) {
            perform(.addSeats(SectionNumber(number), commands.rows(model, number)))
        }
        for _ in 0..<3 { perform(.addTier(commands.tier(sections: model.sections.count))) }
        perform(.publishEvent)
    }

    mutating func step() {
        let next = commands.next(model)
        if commands.timerComes { for reference in model.due(at: commands.now) { perform(.expire(reference)) } }
        perform(next.command, next.context)
    }

    /// Payloads that were not taken yet.
    mutating func takeRecords() -> [[UInt8]] { subject.takeRecords() }

    private mutating func perform(_ command: Command, _ given: CommandContext? = nil) {
        var context = given ?? commands.context()
        if case .scan = command { context.actor = "door" }
        let outcome = subject.perform(command, context)
        _ = model.perform(command, context, outcome: outcome)
        commands.learn(outcome, event: model.key)
    }
}

/// Random sales of some events on a log in a folder of its own, without an engine: whoever follows the log can't tell.
final class BookSale {
    let folder: String
    private(set) var log: WriteAheadLog
    var sales: [RandomSale]
    private let options: WriteAheadLog.Options

    init(seed: UInt64, events: Int = 3, segmentBytes: Int = 64 << 20, keptBytes: Int = 1 << 30) throws {
        folder = FileManager.default.temporaryDirectory.path + "/books-\(UInt64.random(in: 0 ... .max))"
        var options = Engine.logOptions(shards: 1, segmentBytes: segmentBytes, keptBytes: keptBytes)
        options.spareSegments = 0
        options.reserveBytes = nil
        options.snapshotsKept = 1
        options.tailBytesMax = 64 << 10
        if segmentBytes < 1 << 20 { options.batchBytesMax = 64 << 10 }
        self.options = options
        sales = try (0..<events).map { try RandomSale(seed: seed, number: $0) }
        log = try Self.open(folder, options)
        try append()
    }

    /// As a backup of the data folder that is put back: the same log, and from here on another history of it.
    init(copyOf other: BookSale) throws {
        folder = other.folder + "-copy-\(UInt64.random(in: 0 ... .max))"
        options = other.options
        sales = other.sales
        try FileManager.default.copyItem(atPath: other.folder, toPath: folder)
        log = try Self.open(folder, options)
        let copies = BookState(sales.map { ($0.inventory, log.lastPosition) }, asOf: log.lastPosition)
        now.state.withLock { $0 = copies }
    }

    deinit {
        try? log.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func open(_ folder: String, _ options: WriteAheadLog.Options) throws -> WriteAheadLog {
        let log = try WriteAheadLog.open(folder: folder, options: options, device: SynchronousDevice())
        _ = try log.replay(from: log.snapshotPosition.map { LogPosition($0.rawValue + 1) } ?? .zero) { _, _ in }
        try log.start(onDurable: { _ in }, onFailure: { _ in })
        return log
    }

    /// As a process that ends and starts again does.
    func reopen(forgettingOrigins: Bool = false) throws {
        try log.close()
        if forgettingOrigins {
            let folder = LogFolder(path: folder, device: SynchronousDevice())
            var manifest = try ManifestFile.read(in: folder)
            manifest.origins = []
            try ManifestFile.replace(with: manifest, in: folder)
        }
        log = try Self.open(folder, options)
    }

    func run(_ steps: Int, onlyEvent index: Int) throws {
        for _ in 0..<steps { sales[index].step() }
        try append()
    }

    func run(_ steps: Int) throws {
        for index in 0..<steps { sales[index % sales.count].step() }
        try append()
    }

    /// What belongs to the tenant and to no event.
    private(set) var tenant: EventInventory?

    private var inventories: [EventInventory] { sales.map(\.inventory) + (tenant.map { [$0] } ?? []) }

    /// Goes on with a tenant that is as the records make it.
    func append(_ records: [[UInt8]], of tenant: EventInventory) throws {
        self.tenant = tenant
        try append(records)
    }

    /// Makes what the sales recorded durable.
    private func append() throws { try append(sales.indices.flatMap { sales[$0].takeRecords() }) }

    private func append(_ records: [[UInt8]]) throws {
        var buffer = RecordBuffer()
        for record in records {
            buffer.beginRecord()
            record.withUnsafeBytes { buffer.write(bytes: $0) }
            buffer.endRecord()
        }
        guard buffer.count > 0 else { return }
        let last = try log.append(buffer)
        while log.durablePosition < last { usleep(200) }
        let copies = BookState(inventories.map { ($0, last) }, asOf: last)
        now.state.withLock { $0 = copies }
    }

    /// A snapshot, after which the log lets go of what is before it.
    func snapshot() throws {
        let writer = try log.beginSnapshot(at: log.lastPosition)
        for event in inventories {
            var buffer = RecordBuffer()
            try event.writeSnapshot(asOf: log.lastPosition, into: &buffer) { buffer throws(LogError) in
                try writer.append(buffer)
                buffer.removeAll()
            }
        }
        try writer.finish()
    }

    /// Goes on until the log has let go of everything up to a position.
    func forget(through position: LogPosition) throws {
        for _ in 0..<100 where log.oldestPosition <= position {
            try run(150)
            try snapshot()
        }
        guard log.oldestPosition > position else { throw LogError.misused("the log forgets nothing") }
    }

    var digest: UInt64 { inventories.reduce(0) { $0 &+ $1.digest() } }

    /// What the books are written from.
    var source: BooksSource {
        BooksSource(log) { [now] in now.state.withLock { $0 } }
    }

    private let now = Now()

    /// The events as they are at the end of the log, for whoever asks on another thread.
    private final class Now: Sendable {
        let state = Mutex(BookState())
    }
}
