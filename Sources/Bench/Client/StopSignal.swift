import Glibc

/// Lets an interrupt end a run in good order: the load stops, the started server is stopped, the report is printed.
enum StopSignal {
    // Written by the signal handler only, from 0 to 1, and read by the load loop: a stale read costs one turn.
    nonisolated(unsafe) private static var received: sig_atomic_t = 0

    static var wasReceived: Bool { received != 0 }

    static func install() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in StopSignal.received = 1 }
        }
    }
}
