namespace DistFS.Posix.Running;

/// <summary>Removes what a check left, whatever its modes.</summary>
internal static class Tree
{
    /// <returns>What could not be removed and why, or null.</returns>
    public static string? Remove(string path)
    {
        if (LStat(path) is not { } stat)
        {
            return null;
        }

        if (stat.Type != S_IFDIR)
        {
            var unlinked = Unlink(path);
            return unlinked.IsOk || unlinked.Error == ENOENT ? null : $"unlink {path}: {unlinked.Error}";
        }

        // Relative to the open directory: paths below it may be longer than any path may be.
        ChMod(path, Octal(700));
        var opened = Open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!opened.IsOk)
        {
            return $"open {path}: {opened.Error}";
        }

        var left = Empty(opened.Fd, path);
        Close(opened.Fd);
        if (left is not null)
        {
            return left;
        }

        var removed = Sys.RmDir(path);
        return removed.IsOk || removed.Error == ENOENT ? null : $"rmdir {path}: {removed.Error}";
    }

    private static string? Empty(int directory, string path)
    {
        var entries = new List<DirectoryEntry>();
        Outcome read;
        while ((read = GetDEnts(directory, entries)).Value > 0)
        {
        }

        string? left = read.IsOk ? null : $"getdents {path}: {read.Error}";
        foreach (var entry in entries.Where(e => e.Name is not ("." or "..")))
        {
            left = RemoveEntry(directory, entry.Name, $"{path}/{entry.Name}") ?? left;
        }

        return left;
    }

    private static string? RemoveEntry(int directory, string name, string path)
    {
        var unlinked = UnlinkAt(directory, name, 0);
        if (unlinked.IsOk || unlinked.Error == ENOENT)
        {
            return null;
        }

        if (unlinked.Error is not (EISDIR or EPERM))
        {
            return $"unlink {path}: {unlinked.Error}";
        }

        ChMod(path, Octal(700));
        var opened = OpenAt(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!opened.IsOk)
        {
            return $"open {path}: {opened.Error}";
        }

        var left = Empty(opened.Fd, path);
        Close(opened.Fd);
        var removed = UnlinkAt(directory, name, AT_REMOVEDIR);
        return left ?? (removed.IsOk ? null : $"rmdir {path}: {removed.Error}");
    }
}
