/// The storage edge: everything the log asks of a disk, so that tests can tear, flip, delay and fail each operation.
///
/// Paths are used as given. Every operation either did all it says or throws; after a throw from a write or a sync
/// the state on the disk is unknown, and the log never tries the same sync again.
public protocol LogDevice: AnyObject, Sendable {
    /// For messages: "io_uring", "pwritev2", "simulated".
    var name: String { get }

    /// Whether batches can be written here at all, asked once before anything is touched.
    func checkAvailable() throws(LogError)

    /// Makes the folder, and durable, unless it is there.
    func createFolder(_ path: String) throws(LogError)

    /// Names of what is in the folder, in no order.
    func list(_ folder: String) throws(LogError) -> [String]

    /// Locks a file until the result is released or its process ends. `LogError.locked` when somebody else has it.
    func lock(_ path: String, _ mode: LockMode) throws(LogError) -> any DeviceLock

    func open(_ path: String, _ access: FileAccess) throws(LogError) -> any DeviceFile

    /// Renames, replacing what has the new name; durable after `syncFolder`.
    func rename(_ path: String, to newPath: String) throws(LogError)

    /// Removes a file; durable after `syncFolder`.
    func remove(_ path: String) throws(LogError)

    /// Makes creations, renames and removals in this folder durable.
    func syncFolder(_ path: String) throws(LogError)

    /// Bytes that the filesystem of the folder has left for this process. Changes nothing, and is asked now and then.
    func freeBytes(of folder: String) throws(LogError) -> Int

    /// A writer of batches that stand at the start of `buffer`. Called on the thread that will use it.
    func makeBatchWriter(buffer: AlignedBuffer) throws(LogError) -> any BatchWriter
}

public enum LockMode: Sendable {
    /// One process that writes; makes the file when it is missing.
    case exclusive
    /// Any number of readers, no writer.
    case shared
}

public enum FileAccess: Sendable {
    /// Existing, reading only, through the page cache.
    case read
    /// Existing, reading only, past the page cache where the filesystem can: what was written past it is then what is
    /// read. Memory, offset and count as for writing.
    case readDirect
    /// New or emptied, for writing past the page cache where the filesystem can.
    case create
    /// Existing, for writing past the page cache where the filesystem can.
    case update
}

public protocol DeviceLock: AnyObject, Sendable {
    func release()
}

public protocol DeviceFile: AnyObject, Sendable {
    var path: String { get }

    /// False when writes go through the page cache although the device wanted to go past it.
    var isDirect: Bool { get }

    func byteCount() throws(LogError) -> Int

    /// Fills `bytes` from `offset`; the count read is smaller only where the file ends.
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int

    /// Writes all of `bytes`. Memory, offset and count are multiples of a block (4096 bytes).
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError)

    /// Makes everything written so far durable.
    func sync() throws(LogError)

    func close()
}

/// Writes batches durably, one at a time. Lives on one thread.
public protocol BatchWriter: AnyObject {
    /// Batches go to this file from now on.
    func use(_ file: any DeviceFile) throws(LogError)

    /// Writes the first `byteCount` bytes of the buffer at `offset` and returns when they are durable.
    ///
    /// The buffer belongs to the device until then. After a throw it may still belong to the kernel: the writer
    /// keeps the memory alive for as long as that can be.
    func writeDurably(byteCount: Int, at offset: Int) throws(LogError)
}

/// Memory aligned to a block, as `O_DIRECT` wants it; not initialized.
///
/// Owned by one thread at a time. `@unchecked Sendable` because the owners hand it over whole: made on one thread,
/// filled and written on another, never on two at once.
public final class AlignedBuffer: @unchecked Sendable {
    public let bytes: UnsafeMutableRawBufferPointer
    private var isLeaked = false

    init(byteCount: Int) {
        bytes = .allocate(byteCount: LogFormat.roundedUpToBlock(byteCount), alignment: LogFormat.blockBytes)
    }

    deinit { if !isLeaked { bytes.deallocate() } }

    /// Gives the memory up for good: the kernel may still read it.
    public func leak() { isLeaked = true }
}
