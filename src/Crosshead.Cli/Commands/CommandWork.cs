using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Commands;

/// <summary>
/// The work of a command, after the checks of its arguments, inputs and outputs. Returns the exit code
/// (<see cref="ExitCode"/>).
/// </summary>
/// <param name="output">Takes tables, messages, progress and the JSON result.</param>
/// <param name="cancellation">Set by the first signal. The work then finishes the step, saves and returns
/// <see cref="ExitCode.Interrupted"/>.</param>
internal delegate int CommandWork(CommandOutput output, CancellationToken cancellation);
