internal import CLiburing
import WAL

/// An io_uring for the sockets of one loop. Made and used on the loop's thread.
///
/// One system call a turn submits what the turn has prepared and fetches what is complete.
final class SocketRing {
    /// Entries that one submission may have; when they are used up in a turn, that turn submits twice.
    private static let entries: UInt32 = 2_048
    private static let completionsPerVisit = 256

    // On the heap because the kernel's and liburing's pointers into it need a fixed address.
    private let ring: UnsafeMutablePointer<io_uring>
    private let visited: UnsafeMutablePointer<UnsafeMutablePointer<io_uring_cqe>?>

    init() throws(LogError) {
        ring = .allocate(capacity: 1)
        ring.initialize(to: io_uring())
        let result = io_uring_queue_init(Self.entries, ring, holdfast_setup_flags)
        guard result == 0 else {
            ring.deallocate()
            throw .ioUringUnavailable(errno: -result, doing: "io_uring_setup for sockets")
        }
        // Saves the lookup of the ring's own descriptor in each call; works without.
        io_uring_register_ring_fd(ring)
        visited = .allocate(capacity: Self.completionsPerVisit)
        visited.initialize(repeating: nil, count: Self.completionsPerVisit)
    }

    /// Ends all operations, then frees the ring: nothing may be received into or sent from after this.
    deinit {
        io_uring_queue_exit(ring)
        ring.deallocate()
        visited.deallocate()
    }

    /// An entry to be prepared; submitted with the turn.
    func entry() -> UnsafeMutablePointer<io_uring_sqe> {
        if let entry = io_uring_get_sqe(ring) { return entry }
        submit()
        guard let entry = io_uring_get_sqe(ring) else { preconditionFailure("the kernel takes no more operations") }
        return entry
    }

    func register(_ buffers: inout io_uring_buf_reg) throws(LogError) {
        let result = io_uring_register_buf_ring(ring, &buffers, 0)
        guard result == 0 else {
            throw .ioUringUnavailable(errno: -result, doing: "io_uring_register_buf_ring (needs Linux 6.0)")
        }
    }

    /// Submits what is prepared, and waits until something is complete or the time has passed.
    /// - Parameter nanoseconds: 0 doesn't wait.
    func submitAndWait(nanoseconds: Int64) {
        var time = __kernel_timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        var first: UnsafeMutablePointer<io_uring_cqe>?
        // Interrupted, out of time, or the kernel short of memory: what is prepared stays so, and the next turn tries
        // again.
        io_uring_submit_and_wait_timeout(ring, &first, 1, &time, nil)
    }

    /// Calls `body` with everything that is complete by now.
    func visitCompletions(_ body: (UInt64, Int32, UInt32) -> Void) {
        while true {
            let count = Int(io_uring_peek_batch_cqe(ring, visited, UInt32(Self.completionsPerVisit)))
            for index in 0..<count {
                let completion = visited[index]!.pointee
                body(completion.user_data, completion.res, completion.flags)
            }
            io_uring_cq_advance(ring, UInt32(count))
            if count < Self.completionsPerVisit { return }
        }
    }

    private func submit() {
        var result = io_uring_submit(ring)
        while result == -EINTR || result == -EAGAIN || result == -EBUSY { result = io_uring_submit(ring) }
        precondition(result >= 0, "io_uring_submit failed: \(result)")
    }
}
