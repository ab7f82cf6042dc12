import WAL

@testable import Engine
@testable import ReferenceModel

// Somebody who follows the log, through all lives of the process.
extension Simulation {
    /// Reads on from where the follower was. What it is shown is durable, so it counts as told.
    mutating func follow(_ process: SimulatedProcess) throws {
        do {
            let durable = process.log.durablePosition
            _ = try process.reader().read(
                from: LogPosition(followedPosition.rawValue + 1),
                bytesMax: 1 + random.below(6_000)
            ) { position, payload in
                guard position.rawValue == followedPosition.rawValue + 1, position <= durable else {
                    throw Violation("a follower at \(followedPosition) is shown \(position) of \(durable)")
                }
                guard payload.elementsEqual(history[Int(position.rawValue) - 1]) else {
                    throw Violation("a follower is shown another record \(position)")
                }
                followedPosition = position
                statistics.followed += 1
                return true
            }
            toldPosition = max(toldPosition, followedPosition)
            trace.note(15, followedPosition.rawValue, text: "a follower has read up to \(followedPosition)")
        } catch LogError.gone(let position, let oldest) {
            guard position.rawValue == followedPosition.rawValue + 1, oldest > position,
                oldest == process.log.oldestPosition
            else { throw Violation("\(position) is said to be gone, and \(oldest) to be the oldest") }
            trace.note(16, oldest.rawValue, text: "a follower finds nothing before \(oldest)")
            followedPosition = LogPosition(oldest.rawValue - 1)
            statistics.gone += 1
        } catch let error as LogError {
            // A planned fault has met the reader.
            guard case .system = error else { throw Violation("a follower meets \(error)") }
            trace.note(17, text: "a follower can't read: \(error)")
        }
    }
}
