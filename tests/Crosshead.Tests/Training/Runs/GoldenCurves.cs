using Crosshead.Attention;

namespace Crosshead.Tests.Training.Runs;

/// <summary>Losses of <see cref="TinyRun"/>'s twelve steps in float64.</summary>
internal static class GoldenCurves
{
    public static double[] Of(AttentionVariant variant) => variant == AttentionVariant.Gqa ? Gqa : Mea;

    private static readonly double[] Gqa =
    [
        3.4691528909070612, 3.4736062390987144, 3.4460021087157755, 3.3987882120730606, 3.3994815682737776,
        3.3210531871795195,
        3.3185156475225184, 3.2618844571853383, 3.3209049007418443, 3.2999742051745247, 3.311786226292763,
        3.252213758993055,
    ];

    private static readonly double[] Mea =
    [
        3.469661310706102, 3.4842182931053154, 3.448024970441035, 3.397836257225897, 3.413521658493574,
        3.3656052134729215,
        3.3359030182434366, 3.305155438186427, 3.3717098376295684, 3.3488593731821146, 3.360336355743805,
        3.3169399409443967,
    ];
}
