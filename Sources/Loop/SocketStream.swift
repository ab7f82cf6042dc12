internal import CLiburing
import Glibc

/// What happens on a stream. Everything is called on the stream's loop.
package protocol StreamHandler: AnyObject {
    /// - Parameter bytes: valid during the call.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// The peer sends nothing more; it may still read.
    func receiveEnded()
    /// All bytes of the last `send` are with the kernel, and their memory may be used again.
    func sent()
    /// Nothing is received any more, and only `closed` comes after this.
    func failed(_ failure: StreamFailure)
    /// The last call. The handler is not kept any longer.
    func closed()
}

/// A connected TCP socket: bytes in, bytes out.
///
/// Receiving is one operation that stays with the kernel for as long as the connection reads; sending is one
/// operation at a time, from the handler's memory.
// Sound because every method is called on the loop; other threads only pass the reference along.
package final class SocketStream: ByteStream, @unchecked Sendable {
    let loop: RingLoop
    let descriptor: Int32
    private var handler: (any StreamHandler)?
    /// Operations the kernel has; while there are any, the loop holds this object.
    private var operations = 0
    private var isReceiving = false
    private var wantsToReceive = false
    private var isCancelling = false
    private(set) var isClosing = false
    private var unsent = UnsafeRawBufferPointer(start: nil, count: 0)

    /// - Parameter descriptor: a connected socket; becomes the stream's.
    package init(descriptor: Int32, loop: RingLoop) {
        self.descriptor = descriptor
        self.loop = loop
    }

    /// Bytes of the last `send` that the kernel has not taken yet.
    package var unsentBytes: Int { unsent.count }
    package var isSending: Bool { !unsent.isEmpty }
    package var isReady: Bool { true }

    /// Begins to receive. The stream keeps its handler until `closed`.
    package func open(_ handler: any StreamHandler) {
        self.handler = handler
        startReceiving()
    }

    package func startReceiving() {
        wantsToReceive = true
        guard !isReceiving, !isClosing else { return }
        isReceiving = true
        let entry = begin(.receive)
        io_uring_prep_recv_multishot(entry, descriptor, nil, 0, 0)
        entry.pointee.flags |= holdfast_sqe_buffer_select
        entry.pointee.buf_index = ReceiveBuffers.group
        tag(entry, .receive)
    }

    /// Leaves what comes from now on with the kernel, so that the peer has to wait. What the kernel has already
    /// handed over still comes.
    package func stopReceiving() {
        wantsToReceive = false
        guard isReceiving, !isCancelling, !isClosing else { return }
        isCancelling = true
        let entry = begin(.cancel)
        io_uring_prep_cancel64(entry, userData(.receive), 0)
        tag(entry, .cancel)
    }

    /// - Parameter bytes: not empty; stay as they are until `sent` or `closed`.
    package func send(_ bytes: UnsafeRawBufferPointer) {
        precondition(!isSending, "a second send before the first is done")
        unsent = bytes
        submitSend()
    }

    /// For a stream: the kernel keeps little for a peer that reads slowly, and says when it acknowledges nothing any more.
    package func keepLittle(sendBufferBytes: Int32, peerTimeoutMilliseconds: Int32) {
        // What can't be set stays as the system has it: more memory, later noticed.
        var (buffer, timeout) = (sendBufferBytes, peerTimeoutMilliseconds)
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, size)
        _ = setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &timeout, size)
    }

    /// The peer gets an end of file behind what was sent.
    package func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Gives the kernel what it takes at once; the rest is dropped. For a last word before `close`.
    package func sendAtOnce(_ bytes: UnsafeRawBufferPointer) {
        precondition(!isSending, "a second send before the first is done")
        guard !isClosing, !bytes.isEmpty else { return }
        _ = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }

    /// Ends everything; `closed` comes when the kernel has let go.
    package func close() {
        guard !isClosing else { return }
        isClosing = true
        // Ends the operations that wait for the peer.
        shutdown(descriptor, Int32(SHUT_RDWR))
        if operations == 0 { finish() }
    }

    /// The descriptor is closed only now: a number that the kernel still works on must not name another socket.
    private func finish() {
        Glibc.close(descriptor)
        let handler = handler
        self.handler = nil
        handler?.closed()
    }
}

// MARK: - Operations

extension SocketStream {
    /// In the lowest bits of a completion's user data; the others are the stream's address.
    enum Operation: UInt64 {
        case receive = 1
        case send = 2
        case cancel = 3
    }
    static let operationMask: UInt64 = 7

    private func begin(_ operation: Operation) -> UnsafeMutablePointer<io_uring_sqe> {
        if operations == 0 { _ = Unmanaged.passRetained(self) }
        operations += 1
        return loop.ring.entry()
    }

    private func userData(_ operation: Operation) -> UInt64 {
        UInt64(UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())) | operation.rawValue
    }

    private func tag(_ entry: UnsafeMutablePointer<io_uring_sqe>, _ operation: Operation) {
        entry.pointee.user_data = userData(operation)
    }

    private func submitSend() {
        let entry = begin(.send)
        io_uring_prep_send(entry, descriptor, unsent.baseAddress, unsent.count, holdfast_send_flags)
        tag(entry, .send)
    }

    /// Called by the loop with each completion.
    func complete(_ operation: Operation, _ result: Int32, _ flags: UInt32, _ buffers: ReceiveBuffers) {
        let isLast = flags & holdfast_cqe_more == 0
        switch operation {
        case .receive: completeReceive(result, flags, isLast, buffers)
        case .send: completeSend(result)
        case .cancel:
            isCancelling = false
            // It may have met an operation that had just ended, and the next one came while it was under way.
            if !wantsToReceive { stopReceiving() }
        }
        guard isLast else { return }
        operations -= 1
        guard operations == 0 else { return }
        if isClosing { finish() }
        Unmanaged.passUnretained(self).release()
    }

    private func completeReceive(_ result: Int32, _ flags: UInt32, _ isLast: Bool, _ buffers: ReceiveBuffers) {
        if isLast { isReceiving = false }
        if flags & holdfast_cqe_buffer != 0 {
            let number = UInt16(truncatingIfNeeded: flags >> holdfast_cqe_buffer_shift)
            if result > 0, !isClosing { handler?.received(buffers.bytes(number, count: Int(result))) }
            buffers.giveBack(number)
        }
        guard isLast, !isClosing else { return }
        switch result {
        case 0: handler?.receiveEnded()
        case 1..., -ENOBUFS, -ECANCELED, -EINTR, -EAGAIN:
            // All buffers were in use, or `stopReceiving` was taken back meanwhile: goes on where it stopped.
            if wantsToReceive { startReceiving() }
        default: close()
        }
    }

    private func completeSend(_ result: Int32) {
        if result < 0 && result != -EINTR && result != -EAGAIN {
            unsent = UnsafeRawBufferPointer(start: nil, count: 0)
            return close()
        }
        unsent = UnsafeRawBufferPointer(rebasing: unsent[max(0, Int(result))...])
        if isClosing { return }
        if isSending { submitSend() } else { handler?.sent() }
    }
}
