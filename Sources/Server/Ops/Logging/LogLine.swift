import Logging

/// How lines of the log look.
enum LogLineFormat: String, CaseIterable, Sendable {
    case text, json
}

/// One line of the log, rendered. Whatever the message says, it stays one line, of bounded length.
struct LogLine {
    static let textBytesMax = 8 * 1024
    static let metadataMax = 64

    let format: LogLineFormat

    /// - Returns: the line with its end.
    func render(
        _ level: Logger.Level,
        _ message: String,
        _ metadata: Logger.Metadata,
        epochMilliseconds: Int64
    ) -> [UInt8] {
        var bytes = ByteWriter(capacity: 256)
        switch format {
        case .json: writeJSON(level, message, metadata, epochMilliseconds, to: &bytes)
        case .text: writeText(level, message, metadata, epochMilliseconds, to: &bytes)
        }
        return bytes.withBytes { Array($0) }
    }

    // MARK: - For machines

    private func writeJSON(
        _ level: Logger.Level,
        _ message: String,
        _ metadata: Logger.Metadata,
        _ epochMilliseconds: Int64,
        to bytes: inout ByteWriter
    ) {
        bytes.beginObject()
        bytes.field("ts", epochMilliseconds: epochMilliseconds)
        bytes.field("level", level.rawValue)
        bytes.field("message", Self.cut(message))
        bytes.key("metadata")
        Self.write(metadata, to: &bytes)
        bytes.endObject()
        bytes.append("\n")
    }

    private static func write(_ metadata: Logger.Metadata, to bytes: inout ByteWriter) {
        bytes.beginObject()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }).prefix(metadataMax) {
            bytes.string(key)
            bytes.append(UInt8(ascii: ":"))
            write(value, to: &bytes)
        }
        bytes.endObject()
    }

    private static func write(_ value: Logger.MetadataValue, to bytes: inout ByteWriter) {
        switch value {
        case .dictionary(let metadata): write(metadata, to: &bytes)
        case .array(let values):
            bytes.beginArray()
            for value in values.prefix(metadataMax) { write(value, to: &bytes) }
            bytes.endArray()
        case .stringConvertible(let value as any BinaryInteger): bytes.integer(Int64(clamping: value))
        default: bytes.string(cut("\(value)"))
        }
    }

    // MARK: - For people

    private func writeText(
        _ level: Logger.Level,
        _ message: String,
        _ metadata: Logger.Metadata,
        _ epochMilliseconds: Int64,
        to bytes: inout ByteWriter
    ) {
        Timestamp.append(epochMilliseconds: epochMilliseconds, to: &bytes)
        bytes.append(" \(level.rawValue) ")
        Self.appendPrintable(Self.cut(message), to: &bytes)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }).prefix(Self.metadataMax) {
            bytes.append(" ")
            Self.appendPrintable(key, to: &bytes)
            bytes.append("=")
            Self.appendPrintable(Self.cut("\(value)"), to: &bytes)
        }
        bytes.append("\n")
    }

    /// Control characters could end the line, or tell a terminal what to do.
    private static func appendPrintable(_ text: String, to bytes: inout ByteWriter) {
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                bytes.append("\\u{\(String(scalar.value, radix: 16))}")
            } else {
                bytes.append(String(scalar))
            }
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > textBytesMax else { return text }
        return String(decoding: text.utf8.prefix(textBytesMax), as: UTF8.self) + "…"
    }
}
