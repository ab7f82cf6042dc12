/// The log's folder on its device: the names in it, and the operations by name.
struct LogFolder: Sendable {
    let path: String
    let device: any LogDevice

    static let lockName = "LOCK"
    static let manifestName = "MANIFEST"
    static let temporarySuffix = ".tmp"

    static func segmentName(_ number: UInt64) -> String { numbered("wal-", number) }
    static func snapshotName(_ position: UInt64) -> String { numbered("snap-", position) }
    static func spareName(_ number: UInt64) -> String { numbered("spare-", number) }

    static func segmentNumber(_ name: String) -> UInt64? { number(in: name, prefix: "wal-") }
    static func snapshotPosition(_ name: String) -> UInt64? { number(in: name, prefix: "snap-") }
    static func spareNumber(_ name: String) -> UInt64? { number(in: name, prefix: "spare-") }

    /// 20 decimal digits, so that names sort like numbers.
    private static func numbered(_ prefix: String, _ number: UInt64) -> String {
        let digits = String(number)
        return prefix + String(repeating: "0", count: 20 - digits.count) + digits
    }

    private static func number(in name: String, prefix: String) -> UInt64? {
        guard name.hasPrefix(prefix), let number = UInt64(name.dropFirst(prefix.count)) else { return nil }
        return name == numbered(prefix, number) ? number : nil
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    func list() throws(LogError) -> [String] { try device.list(path) }
    func open(_ name: String, _ access: FileAccess) throws(LogError) -> any DeviceFile {
        try device.open(path(of: name), access)
    }
    func rename(_ name: String, to newName: String) throws(LogError) {
        try device.rename(path(of: name), to: path(of: newName))
    }
    func remove(_ name: String) throws(LogError) { try device.remove(path(of: name)) }
    func sync() throws(LogError) { try device.syncFolder(path) }

    /// Writes a small file so that after a crash there is either all of it or nothing under its name.
    func createWhole(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(LogError) {
        let temporary = name + Self.temporarySuffix
        let file = try open(temporary, .create)
        defer { file.close() }
        try file.write(bytes, at: 0)
        try file.sync()
        try rename(temporary, to: name)
        try sync()
    }
}
