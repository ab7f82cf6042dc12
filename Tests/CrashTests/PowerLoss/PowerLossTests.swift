import Foundation
import Testing

/// The real server on a disk whose power fails. `script/power-loss` runs this: it needs root, FUSE and loop devices.
@Suite(.serialized, .enabled(if: Environment.text("HOLDFAST_POWER_LOSS_DISK") != nil, "run by script/power-loss"))
struct PowerLossTests {
    private let seed = Environment.number("HOLDFAST_SEED") ?? UInt64.random(in: 1...999_999)
    private let folder = Environment.text("HOLDFAST_POWER_LOSS_FOLDER") ?? ""

    private func settings(_ name: String) -> PowerLoss.Settings {
        PowerLoss.Settings(
            seed: seed,
            diskBinary: Environment.text("HOLDFAST_POWER_LOSS_DISK") ?? "",
            folder: folder + "/" + name
        )
    }

    /// At `HOLDFAST_POWER_LOSS_CUTS` of the flushes of a sale, or at all.
    @Test func everyAnswerOutlivesThePower() throws {
        let loss = try PowerLoss(settings("sale"))
        try loss.sell()
        let cuts = try loss.cuts(Environment.number("HOLDFAST_POWER_LOSS_CUTS").map { Int($0) })
        let found = try loss.check(cuts)
        print(table("The release server, seed \(seed)", loss, found))
        #expect(found.contradictions.isEmpty, "HOLDFAST_SEED=\(seed): \(found.contradictions.prefix(3))")
        #expect(loss.history.isComplete && found.salesChecked > 0 && found.volatileWrites > 0, "HOLDFAST_SEED=\(seed)")
    }

    /// The negative controls: without a durable step the same must find lost sales.
    @Test(arguments: ["flush", "link", "sync"])
    func withoutADurableStepSalesAreLost(step: String) throws {
        var settings = settings("without-\(step)")
        let library = try #require(Environment.text("HOLDFAST_POWER_LOSS_CONTROL"))
        settings.environment = ["LD_PRELOAD=\(library)", "LOG_WITHOUT=\(step)"]
        let loss = try PowerLoss(settings)
        try loss.sell()
        let found = try loss.check(loss.cuts(30))
        print(table("A control: the same server without its \(step)", loss, found))
        #expect(found.lostSales > 0, "HOLDFAST_SEED=\(seed)")
    }

    private func table(_ title: String, _ loss: PowerLoss, _ found: PowerLoss.Findings) -> String {
        let rows =
            [("flushes", Int(loss.lastFlush - loss.firstFlush)), ("requests", loss.ledger.requestCount)]
            + loss.history.rows + [
                ("power failures", found.cuts),
                ("writes on their way then", found.volatileWrites),
                ("sales looked for", found.salesChecked),
                ("requests without an answer, sent again", found.requestsSettled),
                ("double sales", found.doubleSales),
                ("lost sales", found.lostSales),
                ("contradictions in all", found.contradictions.count),
            ]
        return Table.text(title, rows)
    }
}
