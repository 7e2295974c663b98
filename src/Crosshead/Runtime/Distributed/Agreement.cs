using System.Text.Json;

namespace Crosshead.Runtime.Distributed;

/// <summary>Checks that all ranks would do the same.</summary>
public static class Agreement
{
    /// <summary>
    /// Compares values of all ranks. It is a collective: all ranks have given theirs when it returns.
    /// </summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="values">What each value is, "the recipe" for example, and the value, in the same order on all
    /// ranks. Long ones are given as a hash.</param>
    /// <exception cref="CrossheadException">Ranks differ; all ranks throw the same, which names the first value that
    /// differs.</exception>
    public static void RequireSame(this ICommunicator communicator, params (string What, string Value)[] values)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        ArgumentNullException.ThrowIfNull(values);
        if (communicator.Ranks == 1) return;
        var own = JsonSerializer.Serialize(values.Select(v => (string[])[v.What, v.Value]));
        var all = communicator.AllGather(own).Select(t => JsonSerializer.Deserialize<string[][]>(t)!).ToArray();
        for (var i = 0; i < all[0].Length; i++)
            for (var rank = 1; rank < all.Length; rank++)
                if (i >= all[rank].Length || !all[0][i].SequenceEqual(all[rank][i]))
                    throw new CrossheadException($"{all[0][i][0]} differs: {all[0][i][1]} on rank 0, "
                        + $"{(i < all[rank].Length ? all[rank][i][1] : "nothing")} on rank {rank}; start all ranks "
                        + $"with the same program, arguments, data and threads.");
    }
}
