//! The program `baton`. Everything is in the library, whose name is not the program's: the program is called like the
//! library of the protocol.

fn main() -> std::process::ExitCode {
    baton_cli::main()
}
