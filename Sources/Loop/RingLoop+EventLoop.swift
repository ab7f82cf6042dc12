import Dispatch
import NIOCore

extension RingLoop: NIOSerialEventLoopExecutor {
    package var inEventLoop: Bool { isCurrent }

    package func execute(_ task: @escaping @Sendable () -> Void) { submit(task) }

    package func enqueue(_ job: consuming ExecutorJob) { submit(.job(UnownedJob(job))) }

    @discardableResult
    package func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        let timer = NIOLoopBoundBox<UInt64?>.makeEmptyBox(valueType: UInt64.self, eventLoop: self)
        runInLoop {
            timer.value = self.addTimer(at: deadline) { promise.assumeIsolated().completeWith(Result { try task() }) }
        }
        return Scheduled(promise: promise) {
            self.runInLoop {
                if let number = timer.value { self.cancelTimer(number) }
            }
        }
    }

    @discardableResult
    package func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        scheduleTask(deadline: .now() + delay, task)
    }

    /// Loops are ended by `stop`.
    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(EventLoopError.unsupportedOperation) }
    }

    /// At once when this is the loop's thread.
    private func runInLoop(_ body: @escaping @Sendable () -> Void) {
        if isCurrent { body() } else { submit(body) }
    }
}
