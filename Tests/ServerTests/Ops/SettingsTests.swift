import ArgumentParser
import Foundation
import Testing

@testable import Server

/// What a configuration file says, and how it is refused.
@Suite struct SettingsTests {
    private func settings(_ json: String, _ arguments: [String] = []) async throws -> Settings {
        let file = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(json.utf8).write(to: file)
        let options = try SettingsOptions.parse(["--data", "data", "--config", file.path] + arguments)
        return try await Settings(options, cores: 2)
    }

    @Test func aFileIsUsedWhereThereIsNoOption() async throws {
        let json = #"{"holdfast":{"port":9000,"snapshot":{"seconds":60},"disk":{"reserve":{"mib":16}}}}"#
        let found = try await settings(json, ["--snapshot-seconds", "30"])
        #expect(found.port == 9_000 && found.snapshotSeconds == 30 && found.diskReserveBytes == 16 << 20)
    }

    @Test(arguments: [
        (#"{"holdfast":{"port":"80a"}}"#, "The port is not a whole number"),
        (#"{"holdfast":{"port":65536}}"#, "The port is 65536; it must be from 0 to 65535"),
        (#"{"holdfast":{"disk":{"reserve":{"mib":"1g"}}}}"#, "The disk reserve is not a whole number"),
        (#"{"holdfast":{"disk":{"reserve":{"mib":7}}}}"#, "The disk reserve is 7; it must be from 8"),
        ("{", "can't be used"),
    ])
    func whatCannotBeUsedIsNamed(json: String, message: String) async throws {
        let error = await #expect(throws: ValidationError.self) { _ = try await settings(json) }
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
    }
}
