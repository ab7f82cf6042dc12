#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A report as JSON: keys in order, one field a line, so that shell tools can read it too.
enum ReportFile {
    static func encode(_ report: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(report) + Data("\n".utf8)
    }

    /// Writes to a path, or to standard output for `-`.
    static func write(_ report: some Encodable, to path: String) throws { try write(encode(report), to: path) }

    static func write(_ text: String, to path: String) throws { try write(Data(text.utf8), to: path) }

    private static func write(_ data: Data, to path: String) throws {
        if path == "-" {
            print(String(decoding: data, as: UTF8.self), terminator: "")
        } else {
            try data.write(to: URL(filePath: path), options: .atomic)
        }
    }
}
