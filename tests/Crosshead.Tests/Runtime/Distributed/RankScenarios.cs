using System.CommandLine;
using System.Runtime.InteropServices;
using Crosshead.Cli;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Ranks;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>
/// What ranks do in tests: commands of the command line, which the tests' own program runs if its first argument is
/// <see cref="Argument"/>.
/// </summary>
internal static partial class RankScenarios
{
    public const string Argument = "rank-scenario";

    private const int Kill = 9, Stop = 19;

    /// <summary>Runs a scenario and ends the process, if the arguments ask for one.</summary>
    public static void RunIfAsked(string[] arguments)
    {
        if (arguments is [_, Argument, .. var rest])
            Environment.Exit(new CommandLine(_ => Commands())
            {
                Program = OwnProgram.Of(typeof(RankScenarios).Assembly, Argument),
            }.Run(rest, new StandardStreams()));
    }

    private static IEnumerable<Command> Commands() =>
    [
        new Scenario("exchange", (communicator, output, _) => Exchange(communicator, output)),
        new Scenario("exchange-gpus", (communicator, output, _) => OnGpus(GpuScenarios.Exchange, communicator, output)),
        new Scenario("leave-gpus", (communicator, output, _) => OnGpus(GpuScenarios.Leave, communicator, output)),
        new Scenario("fail", (communicator, _, _) => FailAt(2, communicator, () =>
        {
            if (communicator.Rank == 1) throw new CrossheadException("the disk is full.");
        })),
        new Scenario("fail-alike", (communicator, _, _) => FailAt(2, communicator,
            () => throw new CrossheadException("the loss is not finite."))),
        new Scenario("fail-deaf", (communicator, _, _) =>
        {
            if (communicator.Rank == 1) throw new CrossheadException("the disk is full.");
            Thread.Sleep(Timeout.Infinite); // as in a computation: hears of nothing
        }),
        new Scenario("fail-beside", (communicator, output, _) =>
        {
            if (communicator.Rank == 2) Thread.Sleep(1000); // the others wait, and hear meanwhile that rank 1 has ended
            communicator.AllGather(communicator.Rank);
            if (communicator.Rank == 1) throw new CrossheadException("the disk is full.");
            output.Line("gathered");
        }),
        new Scenario("differ", (communicator, _, _) => communicator.RequireSame(
            ("the recipe", "9f3c"), ("the data", communicator.Rank == 1 ? "41aa" : "77b0"))),
        new Scenario("mismatch", (communicator, _, _) => communicator.Broadcast(
            new byte[communicator.Rank == 1 ? 8 : 9], root: 0)),
        new Scenario("stop", (communicator, _, _) => FailAt(2, communicator, () =>
        {
            if (communicator.Rank == 1) _ = Signal(Environment.ProcessId, Stop);
        })),
        new Scenario("die", (communicator, _, _) => FailAt(2, communicator, () =>
        {
            if (communicator.Rank == 1) _ = Signal(Environment.ProcessId, Kill);
        })),
        new Scenario("processors", (communicator, output, _) => output.Line(
            string.Join('|', communicator.AllGather(string.Join(',', ProcessorLimits.Allowed()!.Order()))))),
        new Scenario("threads", (communicator, _, _) => RankFacts.RequireSame(communicator)),
        new Scenario("wait", (communicator, output, cancellation) =>
        {
            communicator.Barrier(); // by now every rank takes signals
            output.Line("waiting");
            while (!communicator.AllGather(cancellation.IsCancellationRequested).Contains(true)) Thread.Sleep(10);
        }, ExitCode.Interrupted),
    ];

    // On hosts with GPUs libtorch may be another one than the package's, which has to be loaded first.
    private static void OnGpus(Action<ICommunicator, CommandOutput> action, ICommunicator communicator,
        CommandOutput output)
    {
        LibTorch.EnsureLoaded();
        action(communicator, output);
    }

    // Numbers that tell from whom and for whom they are, in parts of all lengths, cut into pieces.
    private static void Exchange(ICommunicator communicator, CommandOutput output)
    {
        var rank = communicator.Rank;
        Transfers.LongestPiece = 1024;
        for (var round = 0; round < 20; round++)
        {
            var lengths = communicator.AllGather((rank + round) * 37 % 5 * 1000);
            var texts = communicator.AllGather(new string((char)('a' + rank), lengths[rank]));
            var expected = lengths.Select((length, r) => new string((char)('a' + r), length));
            if (!texts.SequenceEqual(expected)) throw new CrossheadException($"all-gather {round} is wrong.");
            var root = round % communicator.Ranks;
            if (communicator.Broadcast($"from {rank}", root) != $"from {root}")
                throw new CrossheadException($"broadcast {round} is wrong.");
            ToAll(communicator, round);
            communicator.Barrier();
        }
        Transfers.LongestPiece = 100_000; // long messages take another way, in several pieces too
        for (var round = 0; round < 8; round++) ToAll(communicator, round, unit: 70_001);
        var hosts = communicator.AllGather((communicator.LocalRank, communicator.LocalRanks));
        output.Line($"{communicator.Name}: {string.Join(' ', hosts)}");
    }

    private static unsafe void ToAll(ICommunicator communicator, int round, int unit = 1500)
    {
        var (rank, ranks) = (communicator.Rank, communicator.Ranks);
        long Length(int from, int to) => (from + (2 * to) + round) % 4 * unit;
        var sendBytes = Enumerable.Range(0, ranks).Select(to => Length(rank, to)).ToArray();
        var receiveBytes = Enumerable.Range(0, ranks).Select(from => Length(from, rank)).ToArray();
        var send = Enumerable.Range(0, ranks).SelectMany(to => Fill(rank, to, sendBytes[to])).ToArray();
        var receive = new byte[receiveBytes.Sum()];
        fixed (byte* from = send, into = receive) communicator.AllToAll(from, sendBytes, into, receiveBytes);
        if (!receive.SequenceEqual(Enumerable.Range(0, ranks).SelectMany(r => Fill(r, rank, receiveBytes[r]))))
            throw new CrossheadException($"all-to-all {round} is wrong.");

        static IEnumerable<byte> Fill(int from, int to, long length) =>
            Enumerable.Range(0, (int)length).Select(i => (byte)((16 * from) + to + i));
    }

    private static void FailAt(int step, ICommunicator communicator, Action action)
    {
        for (var i = 0; i < 1000; i++)
        {
            communicator.Activity = $"step {i}";
            if (i == step) action();
            _ = communicator.AllGather(i);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    private sealed class Scenario : CliCommand
    {
        private readonly Action<ICommunicator, CommandOutput, CancellationToken> _work;
        private readonly int _exitCode;

        public Scenario(string name, Action<ICommunicator, CommandOutput, CancellationToken> work,
            int exitCode = ExitCode.Done) : base(name, name)
        {
            (_work, _exitCode) = (work, exitCode);
            RunOnRanks();
        }

        protected override CommandWork Prepare(ParseResult arguments) => (output, cancellation) =>
        {
            _work(output.Communicator, output, cancellation);
            return _exitCode;
        };

        protected override void Meet(ICommunicator communicator)
        {
        }
    }
}
