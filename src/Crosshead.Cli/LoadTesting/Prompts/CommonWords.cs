namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>Common English words, for prompts of which only the length matters.</summary>
internal static class CommonWords
{
    private const string Words =
        "about after again air all along also always and animal another answer any apple area around ask "
        + "away back bad bank base bear begin below best better between big bird black blue board boat body "
        + "book both box boy bring brown build busy but buy call came can car care carry case cat catch "
        + "change child city clean clear close cloud coat cold color come cook cool corn could count cover "
        + "cross cut dark day deep did dog done door down draw dream dress drink drive dry early earth east "
        + "eat end enough even ever every eye face fact fall family far farm fast father feel few field "
        + "fill find fine fire first fish five floor flower fly follow food for form found four free friend "
        + "from front full game garden gave get girl give glad glass go gold good grass great green ground "
        + "grow had half hand happy hard has hat have head hear heart heavy help her here high hill him his "
        + "hold home hope horse hot hour house how idea into iron island its job just keep kind king knew "
        + "know lake land large last late laugh lay lead learn leave left less let letter life light like "
        + "line list little live long look lot love low made make man many map mark may mean meet might "
        + "mile milk mind moon more most mother move much music must name near need never new next night no "
        + "north nose not note now number of off often old on once one only open or order other our out "
        + "over own page paper part pass past pay people place plan plant play point poor power press pull "
        + "push put queen quick quiet rain ran read ready real red rest rich ride right river road rock "
        + "room round rule run sad safe said sail salt same sand saw say sea see seem sell send set seven "
        + "shape she ship shop short should show side sign simple sing sister sit six size sky sleep slow "
        + "small snow so some song soon sound south stand star start stay step still stone stop story "
        + "street strong such summer sun sure swim table tail take talk tall teach tell ten test than that "
        + "the their them then there they thing think this those three time to today together told too took "
        + "top town tree true try turn two under until up us use very voice wait walk wall want warm was "
        + "watch water way we week well went were west what wheel when where which while white who why wide "
        + "will wind window winter wish with wood word work world would write year yes you young your";

    private static readonly string[] s_all = Words.Split(' ');

    /// <summary>Random words, joined by spaces.</summary>
    /// <param name="count">Number of words.</param>
    /// <param name="random">Chooses the words.</param>
    public static string Draw(int count, Random random) =>
        string.Join(' ', Enumerable.Range(0, count).Select(_ => s_all[random.Next(s_all.Length)]));
}
