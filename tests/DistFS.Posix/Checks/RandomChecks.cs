using DistFS.Posix.Random;

namespace DistFS.Posix.Checks;

/// <summary>Random operations against models; --seed and --operations say which and how many.</summary>
public static class RandomChecks
{
    private const int CompareEvery = 1000;
    private const int OperationsPerTree = 5000;

    [Check("POSIX read: the bytes last written; random reads, writes, cuts, holes and memory on one file")]
    public static void OneFileIsAnArrayOfBytes(CheckContext c)
    {
        var operations = Draw(c, FileOperation.Draw);
        var made = new int[Enum.GetValues<FileAction>().Length];
        var attempt = 0;
        Prove(c, operations, o => RunFile(c, o, $"f{attempt++}", made));
        c.True(made[(int)FileAction.Write] > 0 && made[(int)FileAction.Read] > 0, "something was written and read");
    }

    [Check("POSIX 4.13, rename, link, unlink and others: random operations on names, errors compared exactly")]
    public static void NamesAreATree(CheckContext c)
    {
        var operations = Draw(c, TreeOperation.Draw);
        var counts = c.StatOf(c.Dir).Links > 1;
        var succeeded = new int[Enum.GetValues<TreeAction>().Length];
        var attempt = 0;

        // A fresh tree now and then: what only longer paths would reach piles up, and is never touched again.
        foreach (var part in operations.Chunk(OperationsPerTree))
        {
            if (!Prove(c, part, o => RunTree(c, o, $"t{attempt++}", counts, succeeded)))
            {
                return;
            }
        }

        foreach (var action in Enum.GetValues<TreeAction>())
        {
            c.True(operations.Count < 5000 || succeeded[(int)action] > 0, $"{action} succeeded at least once");
        }
    }

    private static List<T> Draw<T>(CheckContext c, Func<System.Random, int, T> draw)
    {
        var random = new System.Random(c.Options.Seed);
        var mounts = c.SecondDir is null ? 1 : 2;
        return [.. Enumerable.Range(0, c.Options.Operations).Select(_ => draw(random, mounts))];
    }

    /// <summary>Runs all; what fails is made shorter and said in full.</summary>
    private static bool Prove<T>(
        CheckContext c, IReadOnlyList<T> operations, Func<IReadOnlyList<T>, (int Done, string? Violation)> run)
    {
        var (done, violation) = run(operations);
        c.Equal("", violation ?? "", $"--seed {c.Options.Seed} --operations {c.Options.Operations}: operation {done}");
        if (violation is not null)
        {
            // At once: making it shorter takes minutes, in which somebody may lose patience.
            Console.Error.WriteLine($"operation {done} of seed {c.Options.Seed}: {violation}");
            operations = [.. operations.Take(done)];
            if (run(operations).Violation is null)
            {
                c.Fail("the same operations succeed when they are run again: it depends on what happens beside them");
                return false;
            }

            var shortest = Shrinker.Shrink(operations, o => run(o).Violation is not null, 300);
            c.Fail($"{shortest.Count} operations are enough, the last of them:\n    "
                + string.Join("\n    ", shortest.TakeLast(25)) + $"\n    -> {run(shortest).Violation}");
        }

        return violation is null;
    }

    private static (int Done, string? Violation) RunFile(
        CheckContext c, IReadOnlyList<FileOperation> operations, string name, int[] made)
    {
        using var file = c.SecondDir is null ? new RandomFile(c.At(name)) : new RandomFile(c.At(name), c.Second(name));
        string? violation = null;
        var done = 0;
        for (; done < operations.Count && violation is null; done++)
        {
            violation = file.Run(operations[done]);
            if (done % CompareEvery == CompareEvery - 1)
            {
                c.Progress($"operation {done} on {name}");
                violation ??= file.CompareAll();
            }
        }

        file.Made.CopyTo(made, 0);
        return (done, violation ?? file.CompareAll());
    }

    private static (int Done, string? Violation) RunTree(
        CheckContext c, IReadOnlyList<TreeOperation> operations, string name, bool countsDirectories, int[] succeeded)
    {
        c.Directory(name);
        c.Directory($"{name}/top");
        var tree = c.SecondDir is null
            ? new RandomTree(countsDirectories, c.At(name))
            : new RandomTree(countsDirectories, c.At(name), c.Second(name));
        string? violation = null;
        var done = 0;
        for (; done < operations.Count && violation is null; done++)
        {
            violation = tree.Run(operations[done]);
            if (done % CompareEvery == CompareEvery - 1)
            {
                c.Progress($"operation {done} on {name}");
                violation ??= tree.CompareAll();
            }
        }

        violation ??= tree.CompareAll();
        foreach (var action in Enum.GetValues<TreeAction>())
        {
            succeeded[(int)action] += tree.Succeeded[(int)action];
        }

        Tree.Remove(c.At(name));
        return (done, violation);
    }
}
