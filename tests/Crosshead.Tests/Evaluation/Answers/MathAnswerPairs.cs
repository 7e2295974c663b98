namespace Crosshead.Tests.Evaluation.Answers;

/// <summary>Pairs of answers, one a line. Both tables stay in one file, so that they are extended side by side: a
/// rule that makes answers equal must not make others equal too.</summary>
internal static class MathAnswerPairs
{
    public const string Equal = """
        5 ¦ 5.0
        5 ¦ $5$
        0.5 ¦ \frac12
        .5 ¦ \frac{1}{2}
        0.5 ¦ 1/2
        \frac{1}{2} ¦ \dfrac{2}{4}
        \tfrac12 ¦ \frac 1 2
        \frac9{19} ¦ \frac{9}{19}
        -\frac{1}{2} ¦ \frac{-1}{2}
        -\frac{1}{2} ¦ \frac{1}{-2}
        1\frac{4}{5} ¦ \frac{9}{5}
        137 \frac{1}{2} ¦ 137.5
        137 1/2 ¦ 137.5
        \frac{3}{2}\sqrt{3} ¦ \frac{3\sqrt{3}}{2}
        1,000 ¦ 1000
        10,\!080 ¦ 10080
        1{,}000{,}000 ¦ 1000000
        11,\! 111,\! 111,\! 100 ¦ 11111111100
        58,500 ¦ 58{,}500
        \$32,\!348 ¦ 32348
        \$18.90 ¦ 18.9
        1.2 \times 10^{3} ¦ 1200
        1.2\cdot10^3 ¦ 1200
        6.02 × 10^{23} ¦ 602000000000000000000000
        10^{-2} ¦ 0.01
        2^2023 ¦ 2^{2023}
        2^{2020} ¦ 4^{1010}
        6 \times 5^{2015} ¦ 6\cdot 5\cdot 5^{2014}
        12 \times 2^{2022} - 24 ¦ 24(2^{2021}-1)
        \frac{100!}{2^{50}} ¦ 100! \cdot 2^{-50}
        50\% ¦ 0.5
        50\% ¦ 50
        50% ¦ \frac12
        10 \text{ percent} ¦ 10\%
        62.5% ¦ 62.5\%
        \sqrt{4} ¦ 2
        \sqrt{8} ¦ 2\sqrt{2}
        3\sqrt2 ¦ \sqrt{18}
        \sqrt[3]{5} ¦ 5^{1/3}
        \sqrt[3]{-8} ¦ -2
        \frac{1}{\sqrt{2}} ¦ \frac{\sqrt2}{2}
        \frac{8}{\sqrt[3]{7}} ¦ \frac{8\sqrt[3]{49}}{7}
        \sqrt{3+2\sqrt{2}} ¦ 1+\sqrt{2}
        \sqrt[4]{\frac{64}{27}} ¦ \frac{2\sqrt{2}}{\sqrt[4]{27}}
        √2 ¦ \sqrt{2}
        sqrt(2) ¦ \sqrt{2}
        \frac{1+\sqrt5}{2} ¦ \frac{\sqrt{5}}{2} + \frac12
        2\pi ¦ 2π
        \frac{20000}{\pi} ¦ 20000/\pi
        \frac{3 \pi}{4} ¦ 0.75\pi
        e^{2} ¦ e \cdot e
        1+2i ¦ 2i+1
        (1+i)^2 ¦ 2i
        e^{i\pi} ¦ -1
        \sin 30^\circ ¦ \frac12
        \sin\frac{\pi}{3} ¦ \frac{\sqrt{3}}{2}
        \sin^2 x + \cos^2 x ¦ 1
        \cot x ¦ \frac{\cos x}{\sin x}
        \tan^{-1} 1 ¦ \frac{\pi}{4}
        \pi - \arctan \frac{12}{5} ¦ \pi-\arctan(2.4)
        \log_2 8 ¦ 3
        2,-\log _{10} 250 ¦ -3+2\log_{10} 2, 2
        \ln(6) ¦ \ln 2 + \ln 3
        \frac{\log 2}{\log 2-\log 3} ¦ \frac{1}{1-\log_2 3}
        \binom{5}{2} ¦ 10
        \binom{2n}{n} ¦ \frac{(2n)!}{n!^2}
        5! ¦ 120
        \frac{(n+1)!}{n!} ¦ n+1
        \lfloor 3.7 \rfloor ¦ 3
        \left\lfloor\log _{2} n\right\rfloor+1 ¦ \lfloor 1+\log_2 n\rfloor
        |-3| ¦ 3
        x^2+2x+1 ¦ (x+1)^2
        (a+5)(b+2) ¦ ab+2a+5b+10
        \frac{n(n+1)(2 n+1)}{6} ¦ \frac{n^3}{3}+\frac{n^2}{2}+\frac n6
        m n-\lfloor m / 2\rfloor ¦ nm - \lfloor \frac{m}{2} \rfloor
        2^{n}-n-1 ¦ 2\cdot 2^{n-1} - (n+1)
        2RC+R+C ¦ R + C + 2CR
        \frac{x^2-1}{x-1} ¦ x+1
        a_1+a_2 ¦ a_{2}+a_{1}
        x=5 ¦ 5
        5 ¦ x = 5
        k = n+4 ¦ n+4
        y = 2x + 3 ¦ 2x+3 = y
        y=2x+1 ¦ 2x - y + 1 = 0
        5x - 7y + 11z + 4 = 0 ¦ -5x+7y-11z=4
        f(x)=2x ¦ 2x
        f(x)=x,f(x)=-x ¦ f(x)=-x, f(x)=x
        x \in [-2,7] ¦ [-2,7]
        -2 \le x \le 7 ¦ [-2, 7]
        x > 3 ¦ (3, \infty)
        k \geqslant 2 ¦ [2,+\infty)
        x<5 ¦ 5>x
        (x,y) = (1,2) ¦ (1,2)
        M=2^{N-2}+1 ¦ 1+2^{N}/4
        (-\infty, 3] ¦ \left(-\infty,3\right]
        [1/2, 8] ¦ \left[\frac{1}{2},8\right]
        [3,193-132\sqrt{2}] ¦ [3, 193 - 132 \sqrt{2}]
        \left[\frac{\sqrt{2}-1}{2},+\infty \right) ¦ [\frac{1}{2(\sqrt2+1)}, \infty)
        (-\infty, 2) \cup (3, \infty) ¦ (3,\infty)\cup(-\infty,2)
        (0,9) ∪ (9,36) ¦ (0,9)\cup(9,36)
        \{1,2\} ¦ \{2,1\}
        \{1,2\} ¦ 2, 1
        1,2,3 ¦ 3, 1, and 2
        3 \text{ or } 5 ¦ 5, 3
        $69$,$84$ ¦ 69, 84
        -2,-2 ¦ -2, -2
        \{5\} ¦ 5
        \emptyset ¦ \varnothing
        (1,2) ¦ \left( 1, 2 \right)
        \left( 3, \frac{\pi}{2} \right) ¦ (3, 0.5\pi)
        (1,2) ¦ 1,2
        (1,1), (3,2) ¦ (3,2),(1,1)
        1 \pm \sqrt{19} ¦ 1+\sqrt{19}, 1-\sqrt{19}
        1 \pm \sqrt{19} ¦ 1 \mp \sqrt{19}
        x = 3 \pm 2 \sqrt{2} ¦ 3 \pm \sqrt{8}
        \{1\pm\sqrt{5},-2\} ¦ \{-2, 1+\sqrt5, 1-\sqrt5\}
        \begin{pmatrix} 1/5 \\ -18/5 \end{pmatrix} ¦ \begin{bmatrix} 0.2 \\ -3.6 \end{bmatrix}
        \begin{pmatrix} 16/49 \\ 48/49 \\ 24/49 \end{pmatrix} ¦ \frac{1}{49}\begin{pmatrix} 16 \\ 48 \\ 24 \end{pmatrix}
        \begin{pmatrix} -1 & 0 \\ 0 & -1 \end{pmatrix} ¦ \begin{pmatrix}-1&0\\0&-1\\\end{pmatrix}
        5\text{ cm} ¦ 5
        5 \mathrm{~m} ¦ 5
        15\mbox{ cm}^2 ¦ 15
        15\mbox{ cm}^2 ¦ 15 cm^2
        15\mbox{ cm}^2 ¦ 15\text{ square centimeters}
        864 \mbox{ inches}^2 ¦ 864\text{ sq. in}
        5.4 \text{ cents} ¦ 5.4
        \frac{270}7\text{ degrees} ¦ \frac{270}{7}
        90^\circ ¦ 90
        90^{\circ} ¦ 90°
        $90^{\circ}$,$60^{\circ}$ ¦ 60, 90
        10 apples ¦ 10
        \text{(B)} ¦ B
        \text{(B)} ¦ (B)
        \text{(B)} ¦ \textbf{(B)}
        \text{east} ¦ East
        \text{Monday} ¦ monday
        \text{no solution} ¦ No solution.
        No solution ¦ no solution
        xy ¦ yx
        a-b-c ¦ a-c-b
        a, b, c, d ¦ d, c, b, a
        204_5 ¦ 204_{5}
        2023_{7} ¦ 2023_7
        0.\overline{3} ¦ \frac13
        0.1\overline{6} ¦ 1/6
        0.333333 ¦ \frac{1}{3}
        1.41421356 ¦ \sqrt{2}
        \mathbf{7} ¦ 7
        \text{7} ¦ 7
        x^{-1} ¦ \frac1x
        \boxed{5} ¦ 5
        = 5 ¦ 5
        \approx 5 ¦ 5
        --5 ¦ 5
        5 + -3 ¦ 2
        1e3 ¦ 1000
        1.5e-3 ¦ 0.0015
        2e-3 ¦ 2e - 3
        \text{June 6} ¦ June 6
        x = 1 \text{ or } x = 2 ¦ \{1,2\}
        (-\infty, 0) \cup\{1\}. ¦ (-\infty,0)\cup\{1\}
        x^2-1=0 ¦ 2x^2-2=0
        \frac{-b\pm\sqrt{b^2-4ac}}{2a} ¦ \frac{-b+\sqrt{b^2-4ac}}{2a}, \frac{-b-\sqrt{b^2-4ac}}{2a}
        e^{x+1} ¦ e\cdot e^x
        18\pi\text{ cm}^3 ¦ 18\pi
        xyz ¦ zyx
        (n-2) 2^{n}+1 ¦ 1 + n2^n - 2^{n+1}
        2\cdot 3 ¦ 6
        12 ÷ 4 ¦ 3
        9^{9^{9^9}} ¦ 9^{9^{9^9}}
        f(x)=a x+b$, where $b$ is anything ¦ f(x)=ax+b, where $b$ is anything
        """;

    /// <summary>Pairs of answers that are not the same.</summary>
    public const string Unequal = """
        5 ¦ 6
        5 ¦ -5
        1/3 ¦ 0.33
        1/3 ¦ 0.3333
        \sqrt{2} ¦ 1.414
        3.14 ¦ \pi
        \frac{22}{7} ¦ \pi
        1234567.5 ¦ 1234567
        1000000 ¦ 1000001
        9007199254740993 ¦ 9007199254740992
        0.1 ¦ 0.10000001
        2^{2020} ¦ 2^{2020}+1
        \frac{3^{2023} + 3}{4} ¦ \frac{3^{2023} + 7}{4}
        100! ¦ 100!+1
        0.5 ¦ 50
        50\% ¦ 5
        50\% ¦ 5000
        10\% ¦ 0.01
        \frac12 ¦ 12
        1\frac12 ¦ \frac12
        2\frac13 ¦ \frac23
        x^2 ¦ 2x
        x^2 ¦ x^3
        x ¦ y
        n ¦ N
        \lfloor n/2 \rfloor ¦ n/2
        \lfloor\frac{2 n-1}{5}\rfloor ¦ \lfloor\frac{2n}{5}\rfloor
        \lceil n / 2\rceil+1 ¦ \lfloor n / 2\rfloor+1
        2^{k-1} ¦ 2^{k}-1
        n(n-1) ¦ n(n+1)
        \sqrt{x^2+1} ¦ x+1
        \sqrt{3} ¦ \sqrt[3]{3}
        \sin x ¦ \cos x
        \sin 30 ¦ \frac12
        \log_2 3 ¦ \log_3 2
        \binom{5}{2} ¦ \binom{5}{1}
        x=5 ¦ x=6
        x=5 ¦ y=5
        x=5 ¦ 6
        y=2x+1 ¦ y=2x-1
        y = 2x ¦ y = 3x
        x > 3 ¦ x \ge 3
        x > 3 ¦ x < 3
        x > 3 ¦ 3
        f(x)=2x ¦ f(x)=x
        (1,2) ¦ [1,2]
        (1,2) ¦ (1,2]
        (1,2) ¦ (2,1)
        [1,2] ¦ [2,1]
        (1,2) ¦ (1,2,3)
        (-\infty, 3] ¦ (-\infty, 3)
        (-\infty, 3] ¦ (\infty, 3]
        (0,1) \cup (2,3) ¦ (0,1) \cap (2,3)
        (0,1) \cup (2,3) ¦ (0,1)
        \{1,2\} ¦ \{1,3\}
        \{1,2\} ¦ \{1,2,3\}
        \{1,2\} ¦ (1,2)
        \{1,2\} ¦ [1,2]
        1,2 ¦ 2,3
        1,1,2 ¦ 1,2,2
        100,200 ¦ 100200, 0
        (100,200) ¦ 100200
        \{100,200\} ¦ 100200
        1 \pm \sqrt{19} ¦ 1+\sqrt{19}
        1 \pm 2 ¦ 1 \pm 3
        \begin{pmatrix} 1 \\ 2 \end{pmatrix} ¦ \begin{pmatrix} 2 \\ 1 \end{pmatrix}
        \begin{pmatrix} 1 & 2 \end{pmatrix} ¦ \begin{pmatrix} 1 \\ 2 \end{pmatrix}
        \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} ¦ \begin{pmatrix} 1 & 2 \\ 3 & 5 \end{pmatrix}
        5\text{ cm} ¦ 6\text{ cm}
        5\text{ cm} ¦ 5\text{ m}
        15\text{ cm}^2 ¦ 15\text{ cm}
        90^\circ ¦ 60^\circ
        \text{(A)} ¦ \text{(B)}
        \text{(A)} ¦ B
        \text{even} ¦ \text{odd}
        \text{east} ¦ \text{west}
        east ¦ seat
        \text{x} ¦ 2x
        204_5 ¦ 204_6
        204_5 ¦ 204
        204_5 ¦ 54
        \text{no solution} ¦ 0
        \infty ¦ -\infty
        1+2i ¦ 1-2i
        6-5i ¦ 5-6i
        a_1 ¦ a_2
        \pi ¦ e
        2\pi ¦ 2
        10^{100} ¦ 10^{1/100}
        x is 5 ¦ 5x
        (1,2),(3,4) ¦ (1,3),(2,4)
        1.68,0.45 ¦ 1.68,0.46
        2x+3 ¦ 2x+3y
        3 \times 10^{8} ¦ 3 \times 10^{9}
        \sqrt{10001} ¦ 100
        \frac{1}{x} ¦ x
        1/0 ¦ 2/0
        9^{9^{9^9}} ¦ 9^{9^{9^8}}
        5 5 ¦ 25
        \frac{2016}{2017^{2}} ¦ \frac{2016}{2017}
        5 \text{ cm} ¦ \text{cm}
        p - q ¦ q - p
        a, b, c ¦ abc
        (a,b,c) ¦ abc
        ABC ¦ abc
        ABC ¦ CBA
        \sqrt{2} ¦ 2^{2020}
        M=2^{N-2}+1 ¦ 2^{2019} - 2020
        \pi \cdot 10^{400} ¦ 10^{400}
        e^{-1000} ¦ e^{-2000}
        e^{-1000} ¦ 2^{-5000}
        \frac{1}{2}\text{ hours} ¦ 30\text{ minutes}
        2e-3 ¦ 0.002
        5r^5 ¦ 5r^4
        1 = 1 ¦ 2 = 2
        """;
}
