internal import CLiburing
import Glibc
import WAL

/// The memory that all sockets of a loop receive into: the kernel takes a buffer when bytes have come, and gets it
/// back as soon as they are read. An idle connection has none.
final class ReceiveBuffers {
    static let group: UInt16 = 0
    static let byteCount = 4_096
    /// A power of two.
    private static let count = 512

    private let ring: UnsafeMutablePointer<io_uring_buf_ring>
    private let memory: UnsafeMutableRawPointer
    private let mask = io_uring_buf_ring_mask(UInt32(count))

    init(_ owner: SocketRing) throws(LogError) {
        let ringBytes = Self.count * MemoryLayout<io_uring_buf>.stride
        memory = .allocate(byteCount: Self.count * Self.byteCount, alignment: 4_096)
        let start = UnsafeMutableRawPointer.allocate(byteCount: ringBytes, alignment: 4_096)
        start.initializeMemory(as: UInt8.self, repeating: 0, count: ringBytes)
        ring = start.assumingMemoryBound(to: io_uring_buf_ring.self)
        var registration = io_uring_buf_reg()
        registration.ring_addr = UInt64(UInt(bitPattern: ring))
        registration.ring_entries = UInt32(Self.count)
        registration.bgid = Self.group
        try owner.register(&registration)
        io_uring_buf_ring_init(ring)
        for number in 0..<Self.count { add(UInt16(number), offset: Int32(number)) }
        io_uring_buf_ring_advance(ring, Int32(Self.count))
    }

    /// - Precondition: the ring that owns the buffers has ended.
    deinit {
        UnsafeMutableRawPointer(ring).deallocate()
        memory.deallocate()
    }

    /// What the kernel has received into a buffer; valid until it is given back.
    func bytes(_ number: UInt16, count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory + Int(number) * Self.byteCount, count: count)
    }

    func giveBack(_ number: UInt16) {
        add(number, offset: 0)
        io_uring_buf_ring_advance(ring, 1)
    }

    private func add(_ number: UInt16, offset: Int32) {
        let start = memory + Int(number) * Self.byteCount
        io_uring_buf_ring_add(ring, start, UInt32(Self.byteCount), number, mask, offset)
    }
}
