/// A data folder in the making: it has another name until it is complete and durable.
public final class NewFolder {
    /// Where it is being made.
    public let partialPath: String

    private let path: String
    private let device: any LogDevice
    private var lock: (any DeviceLock)?

    /// - Throws: `LogRefusal` when there is something at `path`, or somebody else is making the same folder.
    public init(at path: String, device: any LogDevice) throws {
        var trimmed = Substring(path)
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = String(trimmed)
        self.device = device
        partialPath = "\(trimmed).partial"
        if let names = try? device.list(self.path), !names.isEmpty {
            throw LogRefusal("\(path) is not empty; give a folder that is not there yet")
        }
        try device.createFolder(partialPath)
        do throws(LogError) {
            lock = try device.lock("\(partialPath)/\(LogFolder.lockName)", .exclusive)
        } catch .locked {
            throw LogRefusal("another command is writing \(partialPath)")
        }
        // What an earlier attempt left.
        try LogFolder(path: partialPath, device: device).removeLogFiles()
    }

    deinit { lock?.release() }

    /// Nothing more will be written: others may look at it.
    public func release() {
        lock?.release()
        lock = nil
    }

    /// Gives the folder its name, durably.
    public func complete() throws(LogError) {
        release()
        try device.syncFolder(partialPath)
        try device.rename(partialPath, to: path)
        try device.syncFolder(Self.parent(of: path))
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
