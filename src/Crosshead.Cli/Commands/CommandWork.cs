using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Commands;

/// <summary>
/// The work of a command whose arguments, inputs and outputs have been checked; returns the exit code
/// (<see cref="ExitCode"/>).
/// </summary>
/// <param name="output">Where tables, messages, progress and the JSON result go.</param>
/// <param name="cancellation">Set by the first signal: finish the step, save and return
/// <see cref="ExitCode.Interrupted"/>.</param>
internal delegate int CommandWork(CommandOutput output, CancellationToken cancellation);
