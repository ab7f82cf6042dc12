/// `MANIFEST` in the folder: reads it, and writes each new generation into the slot of the one before the last.
///
/// Not Sendable by itself: `SegmentStore` uses it under its lock.
final class ManifestFile {
    private(set) var manifest: Manifest
    private let file: any DeviceFile
    private let block = AlignedBuffer(byteCount: LogFormat.blockBytes)

    /// Opens for writing what `read` or `create` gave.
    init(_ manifest: Manifest, in folder: LogFolder) throws(LogError) {
        self.manifest = manifest
        file = try folder.open(LogFolder.manifestName, .update)
    }

    deinit { file.close() }

    static func read(in folder: LogFolder) throws(LogError) -> Manifest {
        let file = try folder.open(LogFolder.manifestName, .read)
        defer { file.close() }
        try file.sync()
        let buffer = AlignedBuffer(byteCount: Manifest.fileBytes)
        let count = try file.read(into: buffer.bytes, at: 0)
        return try Manifest.newest(in: UnsafeRawBufferPointer(buffer.bytes).part(0..<count), file: file.path)
    }

    /// The manifest of a new log.
    static func create(in folder: LogFolder, identity: LogIdentity) throws(LogError) -> Manifest {
        var manifest = Manifest(identity: identity)
        manifest.generation = 1
        let buffer = AlignedBuffer(byteCount: Manifest.fileBytes)
        buffer.bytes.zero(0..<buffer.bytes.count)
        let slot = manifest.slotOffset
        manifest.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[slot..<slot + LogFormat.blockBytes]))
        try folder.createWhole(LogFolder.manifestName, UnsafeRawBufferPointer(buffer.bytes))
        return manifest
    }

    /// Makes the next generation durable; it differs from this one by `change`.
    func update(_ change: (inout Manifest) -> Void) throws(LogError) {
        var next = manifest
        change(&next)
        next.generation = manifest.generation + 1
        next.write(to: block.bytes)
        try file.write(UnsafeRawBufferPointer(block.bytes), at: next.slotOffset)
        try file.sync()
        manifest = next
    }
}
