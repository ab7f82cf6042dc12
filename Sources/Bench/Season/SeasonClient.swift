/// One connection of somebody who takes part in the season: calls with a key each, answers as JSON.
final class SeasonClient {
    struct Answer {
        let status: Int
        let body: JSONText
        let bytes: [UInt8]

        var isSuccess: Bool { 200...299 ~= status }
        /// The stable name of a problem; empty for a success.
        var code: String { isSuccess ? "" : body["code"].string ?? "\(status)" }
    }

    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    private let client: SetupClient
    /// Makes the keys of this connection's calls its own.
    private let name: String
    private var calls = 0

    init(_ endpoint: Endpoint, name: String) throws {
        client = try SetupClient(endpoint: endpoint)
        self.name = name
    }

    func get(_ path: String) throws -> Answer { try answer(try client.get(path)) }

    /// The answer, whatever it is.
    /// - Parameter key: nil makes one that nothing else has.
    func post(_ path: String, _ body: String = "{}", key: String? = nil) throws -> Answer {
        calls += 1
        return try answer(try client.post(path, body: body, key: key ?? "\(name)-\(calls)"))
    }

    /// The answer's body.
    /// - Throws: when it is a refusal.
    @discardableResult
    func make(_ path: String, _ body: String = "{}") throws -> JSONText {
        let answer = try post(path, body)
        guard answer.isSuccess else {
            let text = String(decoding: answer.bytes, as: UTF8.self)
            throw Unexpected(description: "POST \(path) answered \(answer.status): \(text)")
        }
        return answer.body
    }

    func find(_ path: String) throws -> JSONText {
        let answer = try get(path)
        guard answer.isSuccess else { throw Unexpected(description: "GET \(path) answered \(answer.status)") }
        return answer.body
    }

    private func answer(_ response: SetupClient.Response) throws -> Answer {
        Answer(status: response.status, body: try JSONText(response.body), bytes: response.body)
    }
}
