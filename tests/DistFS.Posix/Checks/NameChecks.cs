namespace DistFS.Posix.Checks;

/// <summary>Names are bytes: any but `/` and NUL, up to 255 of them; paths up to 4,095.</summary>
public static class NameChecks
{
    [Check("POSIX 3.170 Filename: each byte but `/` and NUL, alone and between others")]
    public static void EveryByteIsAName(CheckContext c)
    {
        var expected = new List<string>();
        for (var value = 1; value < 256; value++)
        {
            foreach (var name in (string[])[$"{(char)value}", $"a{(char)value}z"])
            {
                if (value != '/' && name is not ".")
                {
                    c.Create(name);
                    expected.Add(name);
                }
            }
        }

        expected.Sort(StringComparer.Ordinal);
        c.True(c.Names(c.Dir).SequenceEqual(expected), "all are listed, byte for byte");
    }

    [Check("POSIX limits.h NAME_MAX: 255 bytes, of one or of several bytes a character, for each kind of name")]
    public static void NamesOf255Bytes(CheckContext c)
    {
        var name = new string('n', NAME_MAX);
        var euros = string.Concat(Enumerable.Repeat("\xe2\x82\xac", 85));
        c.Create(name, "content");
        c.Equal("content", c.ReadAll(c.At(name)));
        c.Ok(Rename(c.At(name), c.At(euros)));
        c.Equal("content", c.ReadAll(c.At(euros)));
        c.Ok(MkDir(c.At(name), Octal(755)));
        c.Ok(SymLink(euros, c.At($"{name}/{euros}")));
        c.Equal(euros, ReadLink(c.At($"{name}/{euros}")));
        c.Ok(Link(c.At(euros), c.At($"{name}/{name}")));
        c.True(c.Names(c.Dir).Contains(euros), "listed");
        c.Fails(ENAMETOOLONG, TryStat(c.At(name + "n")));
        c.Fails(ENAMETOOLONG, TryStat(c.At(euros + "n")));
        c.Fails(ENAMETOOLONG, Rename(c.At(euros), c.At(name + "n")));
    }

    [Check("POSIX 4.13: names differ by case, by a space at an end and by Unicode form")]
    public static void NamesThatLookAlikeDiffer(CheckContext c)
    {
        var names = (string[])
            ["a", "A", "a ", " a", "a.", "CON", "nul", "\xc3\xa9", "e\xcc\x81", "...", "-rf", "~", "*", "a\tb", "a\nb"];
        foreach (var name in names)
        {
            c.Create(name, name);
        }

        foreach (var name in names)
        {
            c.Equal(name, c.ReadAll(c.At(name)), name);
        }

        c.Equal(names.Length, c.Names(c.Dir).Count);
    }

    [Check("POSIX limits.h PATH_MAX: a path of 4,095 bytes works in each call, one of 4,096 is [ENAMETOOLONG]")]
    public static void PathsOf4095Bytes(CheckContext c)
    {
        var deep = c.Dir;
        while (deep.Length + 201 < PATH_MAX - 202)
        {
            deep += "/" + new string('d', 200);
            c.Ok(MkDir(deep, Octal(755)));
        }

        // Two or three more components so that the last one ends at byte 4,095.
        while (PATH_MAX - 1 - deep.Length - 1 > NAME_MAX)
        {
            deep += "/" + new string('e', 100);
            c.Ok(MkDir(deep, Octal(755)));
        }

        var path = deep + "/" + new string('f', PATH_MAX - 1 - deep.Length - 1);
        var other = path[..^1] + "g";
        c.Equal(PATH_MAX - 1, path.Length);
        c.Ok(Write(c.Open(path, O_WRONLY | O_CREAT, Octal(644)), "content"));
        c.Equal("content", c.ReadAll(path));
        c.Ok(Rename(path, other));
        c.Ok(Link(other, path));
        c.Ok(ChMod(path, Octal(600)));
        c.Ok(Sys.Truncate(path, 3));
        c.Equal((2u, 3L), (c.StatOf(other).Links, c.StatOf(path).Size));
        c.Ok(Unlink(path));
        c.Ok(MkDir(path, Octal(755)));
        c.Ok(Sys.RmDir(path));
        c.Ok(SymLink("x", path));
        c.Fails(ENAMETOOLONG, TryLStat(path + "f"));
        c.Fails(ENAMETOOLONG, MkDir(path + "f", Octal(755)));
        c.Fails(ENAMETOOLONG, Sys.Open(path + "f", O_WRONLY | O_CREAT, Octal(644)));
    }
}
