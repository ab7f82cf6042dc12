import Glibc

/// The keys of a configuration file, for finding those that mean nothing. Values are read by swift-configuration.
struct ConfigurationFile {
    static let bytesMax = 1 << 20

    /// What stands at a key.
    struct Entry {
        let key: String
        let kind: JSONKind
    }

    let path: String
    private(set) var entries: [Entry] = []

    /// - Throws: `ConfigurationError` for a file that can't be read, or isn't JSON without a key twice.
    init(_ path: String) throws {
        self.path = path
        let bytes = try Self.contents(of: path)
        do {
            try bytes.withUnsafeBytes { raw in
                var reader = JSONReader(raw)
                try collect("", &reader)
                try reader.finish()
            }
        } catch let error as JSONError {
            throw ConfigurationError("The configuration file \(path) is not a JSON object: \(error.message)")
        }
    }

    private mutating func collect(_ prefix: String, _ reader: inout JSONReader) throws {
        var seen: Set<String> = []
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = prefix + key.makeString()
            guard seen.insert(name).inserted else {
                throw ConfigurationError("The configuration file \(path) has \(name) twice")
            }
            let kind = try reader.peekKind()
            if kind == .object {
                let count = entries.count
                try collect(name + ".", &reader)
                if entries.count > count { continue }
            } else {
                try reader.skipValue()
            }
            // Also an object with nothing in it: its key may be misspelt as well as another's.
            entries.append(Entry(key: name, kind: kind))
        }
    }

    private static func contents(of path: String) throws -> [UInt8] {
        func failure() -> ConfigurationError {
            ConfigurationError("The configuration file \(path) can't be read: \(String(cString: strerror(errno)))")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        var count = 0
        while count < bytes.count {
            let received = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
            if received < 0 && errno == EINTR { continue }
            guard received >= 0 else { throw failure() }
            if received == 0 { break }
            count += received
        }
        guard count <= bytesMax else {
            throw ConfigurationError("The configuration file \(path) is larger than \(bytesMax) bytes")
        }
        return Array(bytes[..<count])
    }
}
