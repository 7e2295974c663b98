using System.Diagnostics;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>
/// A run of several processes, started by the <c>mpirun</c> of Open MPI or of MPICH, or by the program itself.
/// </summary>
internal sealed record MpiRun(int ExitCode, string Out, string Error)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    private static readonly string s_bin = AppContext.BaseDirectory;

    /// <summary>Lines of standard error that Crosshead wrote; launchers add their own.</summary>
    public IEnumerable<string> Lines => Error.Split('\n').Select(l => l.TrimEnd('\r')).Where(l => l.Length > 0);

    /// <summary>Runs the command line on ranks of Open MPI, or of MPICH where that alone is installed.</summary>
    public static MpiRun Crosshead(int ranks, params string[] args) => Crosshead(Installed(), ranks, args);

    /// <summary>Runs the command line on ranks.</summary>
    public static MpiRun Crosshead(MpiFlavor flavor, int ranks, params string[] args) =>
        Of(flavor, [CrossheadPart(ranks, args)]);

    /// <summary>Ranks that run the command line.</summary>
    public static Part CrossheadPart(int ranks, params string[] args) =>
        new(ranks, [.. Program("Crosshead.Cli"), .. args]);

    /// <summary>Runs a command of <see cref="RankScenarios"/> on ranks.</summary>
    public static MpiRun Scenario(MpiFlavor flavor, int ranks, string name, params (string, string)[] variables) =>
        Of(flavor, [ScenarioPart(ranks, name, variables)]);

    /// <summary>Runs commands on ranks, in the order of the parts.</summary>
    public static MpiRun Of(MpiFlavor flavor, IReadOnlyList<Part> parts)
    {
        using var process = Start(flavor, parts);
        return Finish(process);
    }

    /// <summary>Ranks that run a command of <see cref="RankScenarios"/>.</summary>
    public static Part ScenarioPart(int ranks, string name, params (string Name, string Value)[] variables) =>
        new(ranks, [.. Program("Crosshead.Tests"), RankScenarios.Argument, name], variables);

    /// <summary>The flavor that is installed, Open MPI first; skips the test if none is.</summary>
    public static MpiFlavor Installed() => Find(MpiFlavor.OpenMpi) is not null ? MpiFlavor.OpenMpi : MpiFlavor.Mpich;

    /// <summary>Starts ranks; <see cref="Finish"/> waits for their end.</summary>
    public static Process Start(MpiFlavor flavor, IReadOnlyList<Part> parts)
    {
        var launcher = flavor == MpiFlavor.None ? parts[0].Command[0] : Find(flavor);
        Assert.SkipUnless(launcher is not null, $"{flavor} is not installed (scripts/install-mpi.sh)");
        var own = flavor == MpiFlavor.None;
        var start = new ProcessStartInfo(launcher)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The tests' processes share few cores. Containers often run as root.
        foreach (var name in new[] { "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "CROSSHEAD_THREADS" })
            start.Environment[name] = "1";
        if (flavor == MpiFlavor.OpenMpi) Add("--oversubscribe", "--bind-to", "none");
        foreach (var part in parts)
        {
            if (part != parts[0]) Add(":");
            if (!own) Add("-n", $"{part.Ranks}");
            foreach (var (name, value) in part.Variables ?? [])
            {
                if (own) start.Environment[name] = value;
                else Add(flavor == MpiFlavor.OpenMpi ? ["-x", $"{name}={value}"] : ["-env", name, value]);
            }
            Add(own ? [.. part.Command.Skip(1), "--ranks", $"{part.Ranks}"] : part.Command);
        }
        return Process.Start(start)!;

        void Add(params string[] arguments)
        {
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
        }
    }

    /// <summary>Waits for the end of a run, and ends one that takes too long.</summary>
    public static MpiRun Finish(Process process)
    {
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"mpirun did not end within {s_limit.TotalSeconds} s: {error.Result}");
        }
        return new MpiRun(process.ExitCode, output.Result, error.Result);
    }

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    // A published program needs no dotnet.
    private static string[] Program(string name) => File.Exists(Dotnet) || Find(Dotnet) is not null
        ? [Dotnet, Path.Combine(s_bin, $"{name}.dll")] : [Path.Combine(s_bin, name)];

    // Debian installs both under names of their own.
    private static string? Find(MpiFlavor flavor) =>
        Find(flavor == MpiFlavor.OpenMpi ? "mpirun.openmpi" : "mpirun.mpich");

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>Ranks that run the same command with the same variables.</summary>
    public sealed record Part(int Ranks, string[] Command, (string Name, string Value)[]? Variables = null);
}

/// <summary>An MPI library with its launcher.</summary>
public enum MpiFlavor
{
    /// <summary>Open MPI.</summary>
    OpenMpi,

    /// <summary>MPICH.</summary>
    Mpich,

    /// <summary>None: the program starts its ranks itself.</summary>
    None,
}
