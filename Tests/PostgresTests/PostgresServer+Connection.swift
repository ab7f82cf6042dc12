import PostgresServer

@testable import Postgres

extension PostgresServer {
    func connect(_ database: String = "postgres") throws -> PostgresConnection {
        try PostgresConnection(url: url(database), interruption: Interruption())
    }
}
