import Dispatch
import NIOCore

/// An event loop whose tasks run when the simulation says so, on the simulation's thread.
///
/// `@unchecked Sendable`: nothing of a simulation leaves its thread.
final class SimulatedLoop: EventLoop, NIOSerialEventLoopExecutor, @unchecked Sendable {
    private var tasks: [@Sendable () -> Void] = []
    private(set) var inEventLoop = false

    /// Tasks that wait to be run.
    var waiting: Int { tasks.count }

    func execute(_ task: @escaping @Sendable () -> Void) { tasks.append(task) }

    /// Runs the task that has waited longest.
    func runNext() {
        guard !tasks.isEmpty else { return }
        let task = tasks.removeFirst()
        enter { task() }
    }

    /// Does something on this loop.
    func enter<R>(_ body: () throws -> R) rethrows -> R {
        precondition(!inEventLoop, "a loop does one thing at a time")
        inEventLoop = true
        defer { inEventLoop = false }
        return try body()
    }

    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        preconditionFailure("nothing in a simulation waits for the machine's clock")
    }

    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        preconditionFailure("nothing in a simulation waits for the machine's clock")
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        preconditionFailure("a simulated loop just goes")
    }
}
