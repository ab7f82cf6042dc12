import Glibc

/// Which run is going on, for the last words of a program that a precondition of the engine stops.
enum RunningSeed {
    // Sound: one thread runs simulations, and the handler of a signal that it raises itself comes on the same thread.
    private nonisolated(unsafe) static let message = UnsafeMutablePointer<UInt8>.allocate(capacity: 128)
    private nonisolated(unsafe) static var messageBytes = 0

    /// - Parameter command: what repeats the run.
    static func set(_ command: String) {
        var count = 0
        for byte in "\nstopped while running \(command)\n".utf8.prefix(128) {
            message[count] = byte
            count += 1
        }
        messageBytes = count
    }

    static func announceWhenStopped() {
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS] {
            signal(number) { number in
                write(STDERR_FILENO, RunningSeed.message, RunningSeed.messageBytes)
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }
}
