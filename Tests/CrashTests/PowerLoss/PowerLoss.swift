import Foundation
import Glibc

/// A sale on a recording disk, and then the disk's content at the moments when the power might have failed.
final class PowerLoss {
    /// What a cut disk, a new start of the server on it, and the ledger of that moment have come to.
    struct Findings {
        var cuts = 0
        /// Writes that no flush had covered, summed over the cuts.
        var volatileWrites = 0
        var salesChecked = 0
        var requestsSettled = 0
        var contradictions: [String] = []
        var lostSales = 0
        var doubleSales = 0

        mutating func add(_ found: [Contradiction], flushes: Int) {
            lostSales += found.count(where: \.isLoss)
            doubleSales += found.count(where: \.isDouble)
            contradictions += found.map { "flush \(flushes): \($0)" }
        }
    }

    /// The server on the disk, and what is taken out of it for a control.
    struct Settings {
        var seed: UInt64
        /// The built Tests/PowerLoss/recording-disk.c.
        var diskBinary: String
        var folder: String
        /// Seconds of each life of the server; a clean stop under load ends the first, a kill the others. On a slow
        /// machine there are more lives, until the log has turned over.
        var lifeSeconds: [Double] = [3, 2.5, 2]
        var environment: [String] = []
    }

    private static let livesMax = 8

    private let settings: Settings
    private let disk: RecordingDisk
    private var random: SeededRandom
    private(set) var ledger = Ledger()
    private(set) var history = FolderHistory()
    private var trace: DiskTrace?
    /// The flushes before which nothing was sold yet, and the last one of the sale.
    private(set) var firstFlush: UInt64 = 0
    private var openFlush: UInt64 = 0
    private(set) var lastFlush: UInt64 = 0

    init(_ settings: Settings) throws {
        self.settings = settings
        random = SeededRandom(state: settings.seed)
        disk = try RecordingDisk(binary: settings.diskBinary, folder: settings.folder)
    }

    deinit {
        try? disk.remove()
        try? FileManager.default.removeItem(atPath: settings.folder)
    }

    // MARK: The sale

    func sell() throws {
        let folder = try DataFolder(data: disk.mountPoint + "/data", path: settings.folder + "/output")
        firstFlush = disk.flushes.value
        for life in 0..<Self.livesMax where life < settings.lifeSeconds.count || !history.isComplete {
            let seconds = settings.lifeSeconds[min(life, settings.lifeSeconds.count - 1)]
            let server = try ServerProcess.launch(
                in: folder,
                snapshotSeconds: 1,
                segmentMebibytes: 2,
                environment: settings.environment
            )
            let port = try server.port()
            if life == 0 {
                try Venue.open(port)
                openFlush = disk.flushes.value
            }
            try ledger.settle(port) { disk.flushes.value }
            let load = Load(loadSettings(port, life))
            usleep(UInt32(seconds * 1_000_000))
            if life == 0 {
                server.send(SIGTERM)
                _ = try server.exitCode(withinSeconds: 30)
            }
            server.kill()
            ledger.add(load.finish())
            try history.look(at: folder)
        }
        lastFlush = disk.flushes.value
        try disk.remove()
        trace = try DiskTrace(trace: disk.trace, base: disk.base)
    }

    private func loadSettings(_ port: UInt16, _ life: Int) -> Load.Settings {
        var load = Load.Settings(port: port, seed: settings.seed &* 1_000 &+ UInt64(life) &* 16, name: "life-\(life)")
        load.scarce = life * 7
        load.firstRevision = ledger.nextRevision
        load.pauseMicrosecondsMax = 200_000
        load.flushes = { [flushes = disk.flushes] in flushes.value }
        return load
    }

    // MARK: The cuts

    /// Every flush of the sale, or so many: half of them where much was on its way, as when files change their names
    /// and snapshots are written.
    func cuts(_ count: Int?) throws -> [Int] {
        let all = Array(Int(firstFlush)...Int(lastFlush))
        guard let count, count < all.count else { return all }
        let volatile = trace!.volatileWriteCounts()
        let busy = all.sorted { volatile[$0] > volatile[$1] }.prefix(all.count / 5)
        var chosen = Set(busy.shuffled(using: &random).prefix(count / 2))
        for flush in all.shuffled(using: &random) where chosen.count < count { chosen.insert(flush) }
        return chosen.sorted()
    }

    /// - Parameter cuts: numbers of flushes, ascending.
    func check(_ cuts: [Int]) throws -> Findings {
        let trace = self.trace!
        let mountPoint = settings.folder + "/cut"
        try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: true)
        try Tool.run("truncate", "-s", "\(RecordingDisk.mebibytes)M", settings.folder + "/cut-image")
        let image = try MappedFile(settings.folder + "/cut-image")
        var findings = Findings()
        for flushes in cuts {
            var random = SeededRandom(state: settings.seed &* 1_000_003 &+ UInt64(flushes))
            trace.advance(to: flushes)
            findings.volatileWrites += trace.cut(into: image, &random)
            findings.cuts += 1
            do {
                try Tool.run("mount", "-o", "loop", settings.folder + "/cut-image", mountPoint)
                defer { Tool.unmount(mountPoint) }
                try check(flushes, mountPoint, &findings, &random)
            } catch {
                // No start: all that was sold is out of reach.
                let sold = ledger.asOf(flushes: UInt64(flushes)).saleCount
                findings.lostSales += sold
                findings.contradictions.append("flush \(flushes), \(sold) sales: \(error)")
            }
        }
        return findings
    }

    private func check(_ flushes: Int, _ mountPoint: String, _ findings: inout Findings, _ random: inout SeededRandom)
        throws
    {
        let folder = try DataFolder(data: mountPoint + "/data", path: settings.folder + "/cut-output")
        let isOpen = flushes >= openFlush
        if isOpen {
            let (exitCode, output) = try ServerProcess.run(["verify", "--data", folder.data], in: folder)
            guard exitCode == 0, output.contains("invariants    hold") else { throw ServerFailure(description: output) }
        }
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3_600, segmentMebibytes: 2)
        defer { server.kill() }
        let port = try server.port()
        guard isOpen else { return }
        var known = ledger.asOf(flushes: UInt64(flushes))
        try known.settle(port)
        let sales = known.purchases.filter { $0.status == "confirmed" }
        findings.salesChecked += sales.count
        findings.requestsSettled += known.retriedCount
        let sample = (0..<min(30, known.purchases.count)).map { _ in known.purchases.randomElement(using: &random)! }
        var found = known.contradictions(sales, port, retries: false)
        found += known.contradictions(Array(known.purchases.suffix(20)) + sample, port, retries: true)
        found += try known.stockContradictions(port) + known.editContradictions(port)
        findings.add(found, flushes: flushes)
        findings.doubleSales += try known.ticketsIssuedTwice()
    }
}
