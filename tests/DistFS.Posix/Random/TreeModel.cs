namespace DistFS.Posix.Random;

/// <summary>An inode of the model.</summary>
internal sealed class TreeNode(int type, int mode)
{
    public int Type { get; } = type;

    public int Mode { get; set; } = mode;

    /// <summary>Of a directory: its names.</summary>
    public SortedDictionary<string, TreeNode> Children { get; } = new(StringComparer.Ordinal);

    /// <summary>Of a directory: where `..` leads.</summary>
    public TreeNode? Parent { get; set; }

    /// <summary>Names; of a directory 2 and one for each directory in it.</summary>
    public uint Links { get; set; } = type == S_IFDIR ? 2u : 1u;

    /// <summary>Of a symbolic link its target, of a file its content.</summary>
    public string Content { get; set; } = "";

    public bool IsDirectory => Type == S_IFDIR;

    /// <summary>What was done to it, last: how an inode came to be what it is not is read here.</summary>
    public Queue<string> History { get; } = [];
}

/// <summary>
/// The tree of names as POSIX and Linux say, in memory. Each operation answers with the error that the kernel gives, in
/// the order in which it looks (path_resolution(7), rename(2), link(2)); it has no users: the process is the owner.
/// </summary>
internal sealed class TreeModel
{
    private const int LinksFollowedMax = 40;

    public TreeModel()
    {
        Outer = new TreeNode(S_IFDIR, Octal(755));
        Root = new TreeNode(S_IFDIR, Octal(755));
        Add(Outer, "top", Root);
    }

    /// <summary>Where paths begin.</summary>
    public TreeNode Root { get; }

    /// <summary>The directory above: a symbolic link with `..` leads there, and may make files there.</summary>
    public TreeNode Outer { get; }

    public Errno Create(string path, string content)
    {
        var error = Parent(path, out var parent, out var name);
        return error != OK ? error
            : parent!.Children.ContainsKey(name) ? EEXIST
            : Add(parent, name, new TreeNode(S_IFREG, Octal(644)) { Content = content });
    }

    /// <summary>open with O_CREAT and O_TRUNC: follows a symbolic link, also to make what it leads to.</summary>
    public Errno Write(string path, string content)
    {
        var error = Walk(path, follow: true, out var parent, out var name, out var node);
        if (error == ENOENT && parent is not null)
        {
            return Add(parent, name, new TreeNode(S_IFREG, Octal(644)) { Content = content });
        }

        if (error != OK || node!.IsDirectory)
        {
            return error != OK ? error : EISDIR;
        }

        node.Content = content;
        return OK;
    }

    public Errno MkDir(string path)
    {
        var error = Parent(path, out var parent, out var name);
        return error != OK ? error
            : parent!.Children.ContainsKey(name) ? EEXIST
            : Add(parent, name, new TreeNode(S_IFDIR, Octal(755)));
    }

    public Errno SymLink(string target, string path)
    {
        var error = Parent(path, out var parent, out var name);
        return error != OK ? error
            : parent!.Children.ContainsKey(name) ? EEXIST
            : Add(parent, name, new TreeNode(S_IFLNK, Octal(777)) { Content = target });
    }

    public Errno Link(string from, string to)
    {
        var error = Find(from, follow: false, out var node);
        if (error != OK)
        {
            return error;
        }

        error = Parent(to, out var parent, out var name);
        if (error != OK || parent!.Children.ContainsKey(name) || node!.IsDirectory)
        {
            return error != OK ? error : parent!.Children.ContainsKey(name) ? EEXIST : EPERM;
        }

        node.Links++;
        parent.Children[name] = node;
        return OK;
    }

    public Errno Unlink(string path)
    {
        var error = Entry(path, out var parent, out var name, out var node);
        if (error != OK || node!.IsDirectory)
        {
            return error != OK ? error : EISDIR;
        }

        Remove(parent!, name);
        return OK;
    }

    public Errno RmDir(string path)
    {
        var error = Entry(path, out var parent, out var name, out var node);
        if (error != OK || !node!.IsDirectory || node.Children.Count > 0)
        {
            return error != OK ? error : node!.IsDirectory ? ENOTEMPTY : ENOTDIR;
        }

        Remove(parent!, name);
        return OK;
    }

    /// <summary>Both parents are walked before either name is looked at.</summary>
    public Errno Rename(string from, string to, int flags)
    {
        var error = Parent(from, out var fromParent, out var fromName);
        error = error != OK ? error : Parent(to, out _, out _);
        if (error != OK)
        {
            return error;
        }

        Parent(to, out var toParent, out var toName);
        var source = fromParent!.Children.GetValueOrDefault(fromName);
        var target = toParent!.Children.GetValueOrDefault(toName);
        error = Refusal(source, target, fromParent, toParent, flags);
        if (error != OK || source == target)
        {
            return error;
        }

        if ((flags & RENAME_EXCHANGE) != 0)
        {
            Put(fromParent, fromName, target!);
            Put(toParent, toName, source!);
            return OK;
        }

        if (target is not null)
        {
            Remove(toParent, toName);
        }

        fromParent.Children.Remove(fromName);
        fromParent.Links -= source!.IsDirectory ? 1u : 0;
        toParent.Links += source.IsDirectory ? 1u : 0;
        toParent.Children[toName] = source;
        source.Parent = source.IsDirectory ? toParent : null;
        return OK;
    }

    public Errno ChMod(string path, int mode)
    {
        var error = Find(path, follow: true, out var node);
        if (error == OK)
        {
            node!.Mode = mode;
        }

        return error;
    }

    public Errno Find(string path, bool follow, out TreeNode? node) => Walk(path, follow, out _, out _, out node);

    private static Errno Refusal(TreeNode? source, TreeNode? target, TreeNode fromParent, TreeNode toParent, int flags)
    {
        var exchanges = (flags & RENAME_EXCHANGE) != 0;
        if (source is null || (exchanges && target is null))
        {
            return ENOENT;
        }

        if (target is not null && (flags & RENAME_NOREPLACE) != 0)
        {
            return EEXIST;
        }

        if (Contains(source, toParent))
        {
            return EINVAL;
        }

        if (target is not null && Contains(target, fromParent))
        {
            return exchanges ? EINVAL : ENOTEMPTY;
        }

        if (target is null || source == target || exchanges)
        {
            return OK;
        }

        return (source.IsDirectory, target.IsDirectory) switch
        {
            (true, false) => ENOTDIR,
            (false, true) => EISDIR,
            (true, true) when target.Children.Count > 0 => ENOTEMPTY,
            _ => OK,
        };
    }

    /// <summary>Whether the inner one is the outer one or lies below it.</summary>
    private static bool Contains(TreeNode outer, TreeNode inner)
    {
        for (var node = inner; node is not null; node = node.Parent)
        {
            if (node == outer)
            {
                return true;
            }
        }

        return false;
    }

    private static Errno Add(TreeNode parent, string name, TreeNode node)
    {
        node.Parent = node.IsDirectory ? parent : null;
        parent.Links += node.IsDirectory ? 1u : 0;
        parent.Children[name] = node;
        return OK;
    }

    private static void Remove(TreeNode parent, string name)
    {
        var node = parent.Children[name];
        parent.Children.Remove(name);
        parent.Links -= node.IsDirectory ? 1u : 0;
        node.Links -= node.IsDirectory ? 2u : 1;
    }

    /// <summary>Gives a name to a node in exchange for another; links of parents follow directories.</summary>
    private static void Put(TreeNode parent, string name, TreeNode node)
    {
        var before = parent.Children[name];
        parent.Children[name] = node;
        parent.Links = parent.Links + (node.IsDirectory ? 1u : 0) - (before.IsDirectory ? 1u : 0);
        node.Parent = node.IsDirectory ? parent : null;
    }

    private Errno Entry(string path, out TreeNode? parent, out string name, out TreeNode? node)
    {
        node = null;
        var error = Parent(path, out parent, out name);
        return error != OK ? error : parent!.Children.TryGetValue(name, out node) ? OK : ENOENT;
    }

    private Errno Parent(string path, out TreeNode? parent, out string name)
    {
        var error = Walk(path, follow: false, out parent, out name, out _);
        return parent is null ? error : OK;
    }

    /// <summary>
    /// Walks from the top. When only the last name is missing, its parent is set and the error is ENOENT.
    /// </summary>
    private Errno Walk(string path, bool follow, out TreeNode? parent, out string name, out TreeNode? node)
    {
        var followed = 0;
        return Walk(Root, path, follow, ref followed, out parent, out name, out node);
    }

    private static Errno Walk(
        TreeNode start, string path, bool follow, ref int followed, out TreeNode? parent, out string name,
            out TreeNode? node)
    {
        var components = path.Split('/');
        (parent, name, node) = (null, "", start);
        for (var i = 0; i < components.Length; i++)
        {
            var isLast = i == components.Length - 1;
            if (!node!.IsDirectory)
            {
                return ENOTDIR;
            }

            var directory = node;
            (parent, name) = isLast ? (directory, components[i]) : (null, "");
            if (components[i] == "..")
            {
                node = directory.Parent ?? directory;
            }
            else if (!directory.Children.TryGetValue(components[i], out node))
            {
                return ENOENT;
            }

            if (node!.Type == S_IFLNK && (follow || !isLast))
            {
                if (++followed > LinksFollowedMax)
                {
                    parent = null;
                    return ELOOP;
                }

                var error = Walk(directory, node.Content, true, ref followed, out var end, out var endName, out node);
                (parent, name) = isLast ? (end, endName) : (null, "");
                if (error != OK)
                {
                    return error;
                }
            }
        }

        return OK;
    }
}
