import CLiburing
import Glibc

/// Writes batches through io_uring: a write and an fdatasync that runs when the write is complete, one submission.
public final class IOUringDevice: PosixDevice {
    public let name = "io_uring"

    public init() {}

    public func checkAvailable() throws(LogError) {
        let ring = try Ring(entries: 4)
        // The memory a ring and its buffers take counts against the limit of locked memory: try that too.
        try ring.register(buffer: AlignedBuffer(byteCount: LogFormat.blockBytes))
    }

    public func makeBatchWriter(buffer: AlignedBuffer) throws(LogError) -> any BatchWriter {
        let ring = try Ring(entries: 4)
        try ring.register(buffer: buffer)
        return IOUringBatchWriter(ring: ring, buffer: buffer)
    }
}

final class IOUringBatchWriter: BatchWriter {
    private let ring: Ring
    private let buffer: AlignedBuffer
    private var file: PosixFile?

    init(ring: Ring, buffer: AlignedBuffer) {
        self.ring = ring
        self.buffer = buffer
    }

    func use(_ file: any DeviceFile) throws(LogError) {
        let file = posixFile(file)
        try ring.register(file: file)
        self.file = file
    }

    func writeDurably(byteCount: Int, at offset: Int) throws(LogError) {
        guard let file else { preconditionFailure("a batch before its file") }
        let outcome = ring.writeThenSync(buffer.bytes, byteCount: byteCount, offset: offset)
        switch outcome {
        case .done(let write, let sync):
            if write == byteCount && sync == 0 { return }
            try fail(file, offset: offset, byteCount: byteCount, write: write, sync: sync)
        case .lost(let errno):
            // The kernel may still be reading: neither the memory nor the ring is ever given back.
            buffer.leak()
            ring.leak()
            throw LogError.system(operation: "submit batch at byte \(offset) of", path: file.path, errno: errno)
        }
    }

    private func fail(_ file: PosixFile, offset: Int, byteCount: Int, write: Int, sync: Int32) throws(LogError) {
        if write < 0 {
            throw LogError.system(operation: "write batch at byte \(offset) of", path: file.path, errno: Int32(-write))
        }
        if write < byteCount {
            throw LogError.system(
                operation: "write batch at byte \(offset) (\(write) of \(byteCount) bytes written) of",
                path: file.path,
                errno: ENOSPC
            )
        }
        throw LogError.system(operation: "sync batch at byte \(offset) of", path: file.path, errno: -sync)
    }
}

/// An io_uring with one registered buffer and one registered file. Used on the thread that made it.
final class Ring {
    enum Outcome: Equatable {
        /// Both completions have come: what the write and the sync answered.
        case done(write: Int, sync: Int32)
        /// The submission failed and how far it came is not known.
        case lost(errno: Int32)
    }

    // On the heap because the kernel's and liburing's pointers into it need a fixed address.
    private let ring: UnsafeMutablePointer<io_uring>
    private var hasFile = false
    private var isLeaked = false

    init(entries: UInt32) throws(LogError) {
        ring = .allocate(capacity: 1)
        ring.initialize(to: io_uring())
        var result = io_uring_queue_init(entries, ring, holdfast_setup_flags)
        // Kernels before 6.1 don't know these flags.
        if result == -EINVAL { result = io_uring_queue_init(entries, ring, 0) }
        guard result == 0 else {
            ring.deallocate()
            isLeaked = true
            throw LogError.ioUringUnavailable(errno: -result, doing: "io_uring_setup")
        }
    }

    deinit {
        if isLeaked { return }
        io_uring_queue_exit(ring)
        ring.deallocate()
    }

    func leak() { isLeaked = true }

    func register(buffer: AlignedBuffer) throws(LogError) {
        var vector = iovec(iov_base: buffer.bytes.baseAddress, iov_len: buffer.bytes.count)
        let result = io_uring_register_buffers(ring, &vector, 1)
        guard result == 0 else { throw LogError.ioUringUnavailable(errno: -result, doing: "io_uring_register_buffers") }
    }

    /// Puts `file` into the ring's one slot for files.
    func register(file: PosixFile) throws(LogError) {
        var descriptor = file.descriptor
        let result =
            hasFile
            ? io_uring_register_files_update(ring, 0, &descriptor, 1) : io_uring_register_files(ring, &descriptor, 1)
        guard result >= 0 else {
            throw LogError.system(operation: "register with io_uring", path: file.path, errno: -result)
        }
        hasFile = true
    }

    /// Writes from the registered buffer to the registered file, then fdatasync; waits for both.
    func writeThenSync(_ bytes: UnsafeMutableRawBufferPointer, byteCount: Int, offset: Int) -> Outcome {
        // A link ends where a submission ends: without room for both the pair would be torn apart.
        guard io_uring_sq_space_left(ring) >= 2, let write = io_uring_get_sqe(ring),
            let sync = io_uring_get_sqe(ring)
        else { return .lost(errno: EBUSY) }
        io_uring_prep_write_fixed(write, 0, bytes.baseAddress, UInt32(byteCount), UInt64(offset), 0)
        write.pointee.flags |= holdfast_sqe_fixed_file | holdfast_sqe_link
        write.pointee.user_data = 0
        io_uring_prep_fsync(sync, 0, holdfast_fsync_datasync)
        sync.pointee.flags |= holdfast_sqe_fixed_file
        sync.pointee.user_data = 1
        let submitted = io_uring_submit_and_wait(ring, 2)
        // Interrupted after submitting is fine, the completions are waited for below. Anything else leaves open what
        // the kernel took.
        guard submitted == 2 || (submitted == -EINTR && io_uring_sq_ready(ring) == 0) else {
            return .lost(errno: submitted < 0 ? -submitted : EIO)
        }
        return collect()
    }

    private func collect() -> Outcome {
        var results: (write: Int?, sync: Int32?) = (nil, nil)
        while results.write == nil || results.sync == nil {
            var completion: UnsafeMutablePointer<io_uring_cqe>?
            let waited = io_uring_wait_cqe(ring, &completion)
            if waited == -EINTR || waited == -EAGAIN { continue }
            guard waited == 0, let completion else { return .lost(errno: -waited) }
            if completion.pointee.user_data == 0 {
                results.write = Int(completion.pointee.res)
            } else {
                results.sync = completion.pointee.res
            }
            io_uring_cqe_seen(ring, completion)
        }
        return .done(write: results.write ?? -Int(EIO), sync: results.sync ?? -EIO)
    }
}

extension LogError {
    /// What keeps io_uring from working here, and what to change.
    package static func ioUringUnavailable(errno: Int32, doing operation: String) -> LogError {
        let remedy =
            switch errno {
            case ENOSYS:
                "this kernel is built without it (CONFIG_IO_URING) or older than 5.6: use a newer kernel"
            case EPERM, EACCES:
                "it is forbidden here. On the host: sysctl kernel.io_uring_disabled=0 (or put the server's group into "
                    + "kernel.io_uring_group). In a container: a seccomp profile that allows io_uring_setup, "
                    + "io_uring_enter and io_uring_register"
            case ENOMEM:
                "the limit of locked memory is too small: raise it to 8 MiB or more (ulimit -l, LimitMEMLOCK= of the "
                    + "service, --ulimit memlock= of the container)"
            case EMFILE, ENFILE:
                "too many open files: raise the limit (ulimit -n, LimitNOFILE= of the service)"
            default:
                "the kernel refused it"
            }
        return .ioUringUnavailable("\(operation): \(text(of: errno)): \(remedy)")
    }
}
