using System.Globalization;

namespace Crosshead.Runtime.Distributed;

/// <summary>What started this process as one of several ranks, by the environment variables that it sets.</summary>
/// <param name="Name">The launcher and the library that it is made for, for messages.</param>
/// <param name="Rank">Index of this rank, from 0.</param>
/// <param name="Ranks">Number of ranks.</param>
/// <param name="LocalRank">Index of this rank among those of its host, from 0.</param>
/// <param name="Libraries">File names of the libraries that fit, the likeliest first.</param>
public sealed record Launcher(string Name, int Rank, int Ranks, int LocalRank, IReadOnlyList<string> Libraries)
{
    /// <summary>The variables that this program sets where it starts ranks itself: the number of ranks, the index of
    /// each, and the name of their meeting.</summary>
    public const string RanksVariable = "CROSSHEAD_RANKS", RankVariable = "CROSSHEAD_RANK",
        MeetingVariable = "CROSSHEAD_MEETING";

    private const string OpenMpiRanks = "OMPI_COMM_WORLD_SIZE";
    private const string OpenMpi = "libmpi.so.40", Mpich = "libmpich.so.12", MpichAlike = "libmpi.so.12";

    /// <summary>The name of the meeting, which no other ranks have; null for ranks that meet through an MPI
    /// library.</summary>
    public string? Meeting { get; init; }

    /// <summary>The launcher of this process; null if it was started by itself, or as the only rank.</summary>
    public static Launcher? OfThisProcess { get; } = Find(Environment.GetEnvironmentVariable);

    /// <summary>
    /// Whether the terminal of this process is one of the launcher's, that nobody sees. Open MPI gives such terminals.
    /// </summary>
    public static bool HidesTerminal { get; } = Environment.GetEnvironmentVariable(OpenMpiRanks) is not null;

    /// <summary>Finds the launcher.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <returns>Null without a launcher, and for a single rank.</returns>
    internal static Launcher? Find(Func<string, string?> variable)
    {
        if (Of("crosshead", RanksVariable, RankVariable, RankVariable) is { } own)
            return own with { Meeting = variable(MeetingVariable) };
        return Of("mpirun of Open MPI", OpenMpiRanks, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK",
                OpenMpi)
            ?? Of("mpiexec of MPICH", "PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID", Mpich, MpichAlike)
            // Slurm's other variables are also set in a batch script, which is one process.
            ?? Of("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID", OpenMpi, Mpich, MpichAlike);

        Launcher? Of(string name, string size, string rank, string local, params string[] libraries) =>
            Number(size) is > 1 and var ranks && Number(rank) is { } own && own < ranks
                ? new(name, own, ranks, Number(local) ?? own, libraries) : null;

        int? Number(string name) =>
            int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
