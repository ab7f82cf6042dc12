import Engine
import Loop
import Synchronization
import Testing
import WAL

/// A data folder with a small sale in it, written by the engine: several segments, two snapshots, a log that no longer
/// goes back to its first record.
struct SampleFolder {
    static let path = "/data"
    /// 2027-01-15T08:00:00Z, and a second later with every step of a sale.
    static let beganAt: Milliseconds = 1_800_000_000_000

    let device: SimulatedDevice
    /// Snapshots' positions, newest first.
    let snapshots: [UInt64]
    let lastPosition: UInt64
    let digest: UInt64

    /// - Parameters:
    ///   - sales: reservations made; every second is paid for, every fifth released.
    ///   - snapshotsAfter: numbers of reservations after which a snapshot is taken.
    static func make(sales: Int = 24, snapshotsAfter: [Int] = [8, 16]) async throws -> SampleFolder {
        let device = SimulatedDevice()
        var options = WriteAheadLog.Options()
        // A batch takes a block, so a segment has 15 of them.
        options.segmentBytes = 64 << 10
        options.batchBytesMax = 8 << 10
        options.spareSegments = 0
        options.paceMicroseconds = 0
        options.idleCoverMilliseconds = 60_000
        let log = try WriteAheadLog.open(folder: path, options: options, device: device)
        let loop = try RingLoop.start(number: 0)
        defer { loop.stop() }
        let clock = Clock()
        let (engine, _) = try await Engine.start(
            log: log,
            loops: [loop],
            clock: EngineClock(system: { clock.microseconds }, monotonic: { clock.microseconds }),
            onFailure: { Issue.record("the log failed: \($0)") }
        )
        var snapshots: [UInt64] = []
        let sale = try await Sale(engine, clock)
        for number in 1...sales {
            try await sale.sell(number)
            guard snapshotsAfter.contains(number) else { continue }
            try await engine.snapshot(isPaced: false)
            snapshots.insert(log.lastPosition.rawValue, at: 0)
        }
        let (copy, last) = (device.copy(), log.lastPosition.rawValue)
        try await engine.stop()
        return SampleFolder(
            device: copy,
            snapshots: snapshots,
            lastPosition: last,
            digest: try Self.digest(of: copy)
        )
    }

    /// One for all tests that only copy it.
    static let shared = Task { try await make() }

    /// What a server would have in memory after a start.
    static func digest(of device: SimulatedDevice) throws -> UInt64 {
        let log = try WriteAheadLog.openReadOnly(folder: path, device: device)
        defer { try? log.close() }
        var recovery = Recovery()
        _ = try recovery.run(log)
        return recovery.digest
    }

    static func segment(_ number: UInt64) -> String { path + "/wal-" + padded(number) }
    static func snapshot(_ position: UInt64) -> String { path + "/snap-" + padded(position) }

    private static func padded(_ number: UInt64) -> String {
        String(repeating: "0", count: 20 - String(number).count) + String(number)
    }
}

/// Goes on when it is told to.
private final class Clock: Sendable {
    private let time = Atomic<Int64>(SampleFolder.beganAt * 1_000)

    var microseconds: Int64 { time.load(ordering: .relaxed) }
    func goOn() { time.add(1_000_000, ordering: .relaxed) }
}

/// One event, two sections, a price.
private struct Sale {
    let engine: Engine
    let clock: Clock
    let event: EventKey
    let caller = Caller(tenant: "shop")

    init(_ engine: Engine, _ clock: Clock) async throws {
        self.engine = engine
        self.clock = clock
        event = EventKey(tenant: "shop", event: "gala")
        _ = try await engine.createEvent(EventDetails(id: "gala", name: "Gala", currency: "EUR"), by: caller)
        for id in ["floor", "balcony"] as [ShortText] {
            _ = try await engine.addSection(SectionDetails(id: id, name: "Place", total: 100), to: event, by: caller)
        }
        _ = try await engine.addTier(PriceTierDetails(name: "Full", basePrice: 1_000), to: event, by: caller)
        try await engine.publish(event, by: caller)
    }

    func sell(_ number: Int) async throws {
        let customer = ShortText("buyer-\(number % 7)")!
        let key = IdempotencyKey(high: 7, low: UInt64(number), fingerprint: 1)
        let buyer = Caller(tenant: "shop", customer: customer, idempotency: key)
        let request = ReserveRequest(
            customer: customer,
            first: .init(section: SectionNumber(number % 2), quantity: 2)
        )
        clock.goOn()
        let hold = try await engine.reserve(request, in: event, by: buyer)
        let id = HoldID(event: event, reference: hold.reference, secret: hold.secret)
        clock.goOn()
        if number % 2 == 0 {
            _ = try await engine.confirm(id, paymentReference: "paid-\(number)", by: caller)
        } else if number % 5 == 0 {
            _ = try await engine.release(id, by: caller)
        }
    }
}
