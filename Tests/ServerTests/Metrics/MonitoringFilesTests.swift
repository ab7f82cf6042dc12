import Foundation
import Postgres
import Testing

@testable import Server

/// Dashboard and alerts name only what there is.
@Suite struct MonitoringFilesTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../../Monitoring"
    )

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    private func names(in text: String) -> Set<String> {
        Set(text.matches(of: #/\b(?:holdfast|process)_[a-z_]+/#).map { String($0.output) })
    }

    private func postgres() -> MetricsText {
        var text = MetricsText()
        var books = PostgresBooks.Standing()
        books.lagRecords = 7
        books.lagSeconds = 1.25
        text.writeBooks(books)
        return text
    }

    @Test func postgresIsThereWhereItIsConfigured() {
        let metrics = Exposition(postgres().text)
        #expect(metrics.values["holdfast_postgres_lag_seconds"] == 1.25)
        #expect(metrics.values["holdfast_postgres_lag_records"] == 7)
    }

    @Test func everyNameIsThere() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // A snapshot is there from the first stop on.
        try await SaleServer.run(folder: folder) { try $0.putOnSale("gala") }
        let page = try await SaleServer.run(folder: folder) { try $0.connect().get("/metrics").body }
        // What only servers with a certificate have.
        var security = MetricsText()
        security.writeSecurity(SecurityFigures(handshakes: 1, failures: 0, certificateSecondsLeft: 1))
        let there = Exposition(page + postgres().text + security.text)
        for file in ["grafana-dashboard.json", "alerts.yml"] {
            let named = names(in: try Self.text(file))
            #expect(named.count > 15)
            for name in named.subtracting(there.names).subtracting(there.kinds.keys) {
                Issue.record("\(file) names \(name), which is not there")
            }
        }
    }

    /// Every panel can be told apart, and shows the chosen servers only.
    @Test func theDashboardIsOne() throws {
        let dashboard = try #require(
            try JSONSerialization.jsonObject(with: Data(try Self.text("grafana-dashboard.json").utf8)) as? [String: Any]
        )
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count)
        for panel in panels where panel["type"] as? String != "row" {
            let targets = try #require(panel["targets"] as? [[String: Any]])
            #expect(targets.allSatisfy { ($0["expr"] as? String ?? "").contains("instance=~") }, "\(panel)")
        }
    }
}
