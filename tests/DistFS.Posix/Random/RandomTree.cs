namespace DistFS.Posix.Random;

internal enum TreeAction
{
    Create,
    Write,
    MkDir,
    SymLink,
    Link,
    Unlink,
    RmDir,
    Rename,
    NoReplace,
    Exchange,
    ChMod,
    Stat,
    List,
}

/// <summary>One operation on names.</summary>
/// <param name="Mount">0 or 1: through which it is made.</param>
/// <param name="Path">Relative to the top.</param>
/// <param name="Other">The second path, or the target of a symbolic link.</param>
/// <param name="Value">A mode or what a file holds.</param>
internal sealed record TreeOperation(TreeAction Action, int Mount, string Path, string Other, int Value)
{
    private static readonly string[] Names = ["a", "b", "c", "d"];

    public static TreeOperation Draw(System.Random random, int mounts)
    {
        var actions = Enum.GetValues<TreeAction>();
        var action = actions[random.Next(actions.Length)];
        var other = action == TreeAction.SymLink && random.Next(3) == 0 ? $"../{DrawPath(random)}" : DrawPath(random);
        return new TreeOperation(action, random.Next(mounts), DrawPath(random), other, random.Next(512));
    }

    private static string DrawPath(System.Random random) =>
        string.Join('/', Enumerable.Range(0, 1 + random.Next(4)).Select(_ => Names[random.Next(Names.Length)]));
}

/// <summary>
/// Random operations on names, against <see cref="TreeModel"/>: errors and what is seen must be the same.
/// </summary>
/// <param name="countsDirectories">Whether the links of a directory count those in it.</param>
/// <param name="outers">One directory with nothing but an empty directory `top`, through each mount.</param>
internal sealed class RandomTree(bool countsDirectories, params string[] outers)
{
    private const int HistoryMax = 12;

    private readonly TreeModel _model = new();
    private int _count;

    /// <summary>How often each action succeeded: one that never does proves nothing.</summary>
    public int[] Succeeded { get; } = new int[Enum.GetValues<TreeAction>().Length];

    /// <summary>Makes one operation on both and compares.</summary>
    /// <returns>What differs, or null.</returns>
    public string? Run(TreeOperation o)
    {
        _count++;
        var before = Named(o);
        var expected = Expected(o);
        if (expected == OK && o.Action is not (TreeAction.Stat or TreeAction.List))
        {
            Remember(o, before.Concat(Named(o)).Distinct());
        }

        var actual = Actual(o, $"{outers[o.Mount]}/top/");
        if (expected == OK)
        {
            Succeeded[(int)o.Action]++;
        }

        return expected != actual ? $"{o}: expected {expected}, came {actual}"
            : expected != OK ? null
            : o.Action switch
            {
                TreeAction.Stat => Compare(o),
                TreeAction.List => CompareList(o),
                _ => null,
            };
    }

    /// <summary>Compares every name through every mount.</summary>
    public string? CompareAll()
    {
        foreach (var outer in outers)
        {
            if (CompareBelow(_model.Outer, outer) is { } violation)
            {
                return violation;
            }
        }

        return null;
    }

    private List<TreeNode> Named(TreeOperation o)
    {
        List<TreeNode> named = [];
        foreach (var (path, follow) in new[] { (o.Path, false), (o.Path, true), (o.Other, false) })
        {
            if (_model.Find(path, follow, out var node) == OK)
            {
                named.Add(node!);
            }
        }

        return named;
    }

    private void Remember(TreeOperation o, IEnumerable<TreeNode> nodes)
    {
        foreach (var node in nodes)
        {
            node.History.Enqueue($"{_count}: {o.Action} {o.Path} {o.Other} {o.Value}");
            if (node.History.Count > HistoryMax)
            {
                node.History.Dequeue();
            }
        }
    }

    private Errno Expected(TreeOperation o) => o.Action switch
    {
        TreeAction.Create => _model.Create(o.Path, $"{o.Value}"),
        TreeAction.Write => _model.Write(o.Path, $"{o.Value}"),
        TreeAction.MkDir => _model.MkDir(o.Path),
        TreeAction.SymLink => _model.SymLink(o.Other, o.Path),
        TreeAction.Link => _model.Link(o.Path, o.Other),
        TreeAction.Unlink => _model.Unlink(o.Path),
        TreeAction.RmDir => _model.RmDir(o.Path),
        TreeAction.Rename => _model.Rename(o.Path, o.Other, 0),
        TreeAction.NoReplace => _model.Rename(o.Path, o.Other, RENAME_NOREPLACE),
        TreeAction.Exchange => _model.Rename(o.Path, o.Other, RENAME_EXCHANGE),
        TreeAction.ChMod => _model.ChMod(o.Path, Octal(700) | o.Value),
        _ => _model.Find(o.Path, follow: o.Value % 2 == 0, out _),
    };

    private static Errno Actual(TreeOperation o, string top) => o.Action switch
    {
        TreeAction.Create => Save(top + o.Path, O_CREAT | O_EXCL, o.Value),
        TreeAction.Write => Save(top + o.Path, O_CREAT | O_TRUNC, o.Value),
        TreeAction.MkDir => MkDir(top + o.Path, Octal(755)).Error,
        TreeAction.SymLink => SymLink(o.Other, top + o.Path).Error,
        TreeAction.Link => Link(top + o.Path, top + o.Other).Error,
        TreeAction.Unlink => Unlink(top + o.Path).Error,
        TreeAction.RmDir => Sys.RmDir(top + o.Path).Error,
        TreeAction.Rename => Rename(top + o.Path, top + o.Other).Error,
        TreeAction.NoReplace => Rename(top + o.Path, top + o.Other, RENAME_NOREPLACE).Error,
        TreeAction.Exchange => Rename(top + o.Path, top + o.Other, RENAME_EXCHANGE).Error,
        TreeAction.ChMod => ChMod(top + o.Path, Octal(700) | o.Value).Error,
        _ => (o.Value % 2 == 0 ? TryStat(top + o.Path) : TryLStat(top + o.Path)).Error,
    };

    private static Errno Save(string path, int flags, int value)
    {
        var opened = Open(path, O_WRONLY | flags, Octal(644));
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        var written = Write(opened.Fd, $"{value}");
        Close(opened.Fd);
        return written.Error;
    }

    private string? Compare(TreeOperation o)
    {
        var follow = o.Value % 2 == 0;
        _model.Find(o.Path, follow, out var node);
        var path = $"{outers[o.Mount]}/top/{o.Path}";
        return Differs(node!, follow ? Stat(path) : LStat(path), path);
    }

    private string? Differs(TreeNode node, FileStat? stat, string path)
    {
        var links = node.IsDirectory && !countsDirectories ? 1u : node.Links;
        var size = node.IsDirectory ? stat?.Size ?? 0 : node.Content.Length;
        var differs = stat is null ? $"{path}: is gone"
            : stat.Mode != (node.Type | node.Mode) ? $"{path}: mode {stat.Mode:x}, expected {node.Type | node.Mode:x}"
            : stat.Links != links ? $"{path}: {stat.Links} links, expected {links}"
            : stat.Size != size ? $"{path}: {stat.Size} bytes, expected {size}"
            : null;
        return differs is null ? null : $"{differs}; now {_count}; {string.Join(", ", node.History)}";
    }

    private string? CompareList(TreeOperation o)
    {
        _model.Find(o.Path, o.Value % 2 == 0, out var node);
        return node!.IsDirectory ? DiffersInNames(node, $"{outers[o.Mount]}/top/{o.Path}") : null;
    }

    private static string? DiffersInNames(TreeNode node, string path)
    {
        var opened = Open(path, O_RDONLY | O_DIRECTORY);
        var entries = new List<DirectoryEntry>();
        while (opened.IsOk && GetDEnts(opened.Fd, entries).Value > 0)
        {
        }

        Close(opened.Fd);
        var names = string.Join(' ',
            entries.Select(e => e.Name).Where(n => n is not ("." or "..")).Order(StringComparer.Ordinal));
        var expected = string.Join(' ', node.Children.Keys);
        return !opened.IsOk ? $"open {path}: {opened.Error}"
            : names != expected ? $"{path}: lists [{names}], expected [{expected}]"
            : null;
    }

    private string? CompareBelow(TreeNode directory, string path)
    {
        if (DiffersInNames(directory, path) is { } names)
        {
            return names;
        }

        foreach (var (name, node) in directory.Children)
        {
            var below = $"{path}/{name}";
            var violation = Differs(node, LStat(below), below)
                ?? (node.Type == S_IFLNK && Sys.ReadLink(below) != node.Content ? $"{below}: another target" : null)
                ?? (node.Type == S_IFREG && Content(below) != node.Content ? $"{below}: other content" : null)
                ?? (node.IsDirectory ? CompareBelow(node, below) : null);
            if (violation is not null)
            {
                return violation;
            }
        }

        return null;
    }

    private static string? Content(string path)
    {
        var opened = Open(path, O_RDONLY);
        var buffer = new byte[64];
        var read = Read(opened.Fd, buffer);
        Close(opened.Fd);
        return read.IsOk ? System.Text.Encoding.Latin1.GetString(buffer, 0, (int)read.Value) : null;
    }
}
