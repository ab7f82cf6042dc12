/// What a connection does: which request comes first, and which follows an answer.
///
/// A scenario holds no sockets and reads no clock. The load loop gives it the answer's bytes and a buffer for the
/// next request; so a test can play a whole sale against it without a network.
protocol Scenario {
    /// What one connection has to remember between its calls.
    associatedtype Flow

    /// Names of the calls; a call is known by its index here.
    var callNames: [String] { get }

    /// Nothing is left to begin: the run ends when what is under way has ended.
    var isExhausted: Bool { get }

    func makeFlow() -> Flow

    /// Begins a new piece of work on an idle connection: writes its first request, answers its call.
    mutating func begin(_ flow: inout Flow, request: inout RequestBuffer) -> Int

    /// Takes the answer to `call`. Writes the next request and answers its call, or ends the piece of work.
    /// With `mayContinue` false the run is over: take note of the answer and ask no more.
    mutating func answered(
        _ call: Int,
        _ answer: Answer,
        flow: inout Flow,
        mayContinue: Bool,
        request: inout RequestBuffer
    ) -> AnswerOutcome

    /// No answer to `call` will come; whether it took effect is unknown.
    mutating func lost(_ call: Int, flow: inout Flow)
}

extension Scenario {
    var isExhausted: Bool { false }
}

/// One complete response. The body's bytes are the connection's and are valid only during the call they are
/// passed to.
struct Answer {
    let status: Int
    var hasRetryAfter = false
    let body: UnsafeRawBufferPointer

    var isSuccess: Bool { 200...299 ~= status }
}

/// What the scenario made of an answer.
struct AnswerOutcome {
    /// The call whose request is now in the buffer; nil when the piece of work is done.
    var nextCall: Int?
    /// Set when a 2xx answer lacked what the scenario needed.
    var error: ClientError?
}
