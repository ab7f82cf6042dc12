import CLiburing
import Glibc

/// Writes batches with one `pwritev2(RWF_DSYNC)` each: what io_uring is compared with, and a way out where
/// io_uring is forbidden.
public final class SynchronousDevice: PosixDevice {
    public let name = "pwritev2"

    public init() {}

    public func checkAvailable() throws(LogError) {}

    public func makeBatchWriter(buffer: AlignedBuffer) throws(LogError) -> any BatchWriter {
        SynchronousBatchWriter(buffer: buffer)
    }
}

final class SynchronousBatchWriter: BatchWriter {
    private let buffer: AlignedBuffer
    private var file: PosixFile?

    init(buffer: AlignedBuffer) { self.buffer = buffer }

    func use(_ file: any DeviceFile) throws(LogError) { self.file = posixFile(file) }

    func writeDurably(byteCount: Int, at offset: Int) throws(LogError) {
        guard let file else { preconditionFailure("a batch before its file") }
        // Not repeated on EINTR either: what a repeated sync answers says nothing about the first one.
        let written = holdfast_write_durably(file.descriptor, buffer.bytes.baseAddress, byteCount, offset)
        guard written >= 0 else {
            throw LogError.system(
                operation: "write batch at byte \(offset) of",
                path: file.path,
                errno: Int32(-written)
            )
        }
        guard written == byteCount else {
            throw LogError.system(
                operation: "write batch at byte \(offset) (\(written) of \(byteCount) bytes written) of",
                path: file.path,
                errno: ENOSPC
            )
        }
    }
}

/// The devices of this folder open no other files.
func posixFile(_ file: any DeviceFile) -> PosixFile {
    guard let file = file as? PosixFile else { preconditionFailure("\(file.path) was opened by another device") }
    return file
}
