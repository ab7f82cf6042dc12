import Testing

@testable import Engine

/// Where a reservation can be in its life.
enum MachineState: CaseIterable {
    case none
    case held
    /// Past the deadline, but the timer has not come round yet.
    case overdue
    case locked
    case confirmed
    case released
    case expired
    case partlyRefunded
    case refunded
    /// Its slot has gone to another hold.
    case staleGeneration
}

/// What can be asked of a reservation.
enum MachineCommand: CaseIterable {
    case reserveRetry
    case lockPrice
    case extend
    case confirm
    case release
    case refund
    case expire
}

/// What must come of a pair.
enum MachineOutcome: Equatable {
    /// A new reservation.
    case placed
    /// The reservation's first answer once more, without a fact.
    case firstAnswer
    /// Success that changes nothing.
    case unchanged
    /// Success with these facts.
    case facts([String])
    case refused(Rejection)
}
