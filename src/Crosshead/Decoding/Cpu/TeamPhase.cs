namespace Crosshead.Decoding.Cpu;

/// <summary>A phase of what a <see cref="ThreadTeam"/> does. Its items are independent of each other.</summary>
/// <param name="Items">How many items it has in the run at hand.</param>
/// <param name="Work">Does items: the first, one past the last, and the member that does them.</param>
/// <param name="Prepare">What a member computes for itself before its first item of the phase; null if nothing.</param>
internal sealed record TeamPhase(Func<int> Items, Action<int, int, int> Work, Action<int>? Prepare = null);
