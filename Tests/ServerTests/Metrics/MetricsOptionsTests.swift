import Foundation
import Testing

@testable import Server

@Suite struct MetricsOptionsTests {
    private func eventsMax(_ arguments: [String], _ json: String = "{}") async throws -> Int {
        let file = FileManager.default.temporaryDirectory.appending(path: "metrics-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(json.utf8).write(to: file)
        let options = try SettingsOptions.parse(["--data", "data", "--config", file.path] + arguments)
        return try await Settings(options, cores: 2, variables: [:]).metricsEventsMax
    }

    @Test func theOptionComesBeforeTheFile() async throws {
        let json = #"{"holdfast":{"metrics":{"events":{"max":7}}}}"#
        #expect(try await eventsMax([]) == 100)
        #expect(try await eventsMax([], json) == 7)
        #expect(try await eventsMax(["--metrics-events-max", "0"], json) == 0)
    }

    @Test func aNumberOutOfItsRangeIsRefused() async throws {
        await #expect(throws: ConfigurationError.self) { _ = try await eventsMax(["--metrics-events-max", "10001"]) }
    }
}
