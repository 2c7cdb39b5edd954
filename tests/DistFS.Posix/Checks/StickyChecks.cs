namespace DistFS.Posix.Checks;

/// <summary>The sticky bit of directories: unlink(2), rmdir(2) and rename(2) [EPERM].</summary>
public static class StickyChecks
{
    private const string Source = "POSIX unlink, rmdir, rename [EPERM]: S_ISVTX";

    [Check(Source + ": neither owner of the name nor of the directory", Needs = Needs.OtherUsers)]
    public static void OthersMayNotTakeNamesAway(CheckContext c)
    {
        Prepare(c, Octal(1777));
        User.Bob.Run(() =>
        {
            c.Fails(EPERM, Unlink(c.At("d/f")));
            c.Fails(EPERM, Sys.RmDir(c.At("d/e")));
            c.Fails(EPERM, Rename(c.At("d/f"), c.At("d/g")));
            c.Fails(EPERM, Rename(c.At("d/e"), c.At("d/g")));
            c.Create("d/mine");
            c.Fails(EPERM, Rename(c.At("d/mine"), c.At("d/f")), "over another's");
            c.Fails(EPERM, Rename(c.At("d/mine"), c.At("d/f"), RENAME_EXCHANGE), "with another's");
            c.Ok(Rename(c.At("d/mine"), c.At("d/mine2")));
            c.Ok(Unlink(c.At("d/mine2")));
        });
        c.Equal("e f", string.Join(' ', c.Names(c.At("d"))));
    }

    [Check(Source + ": the owner of the name may", Needs = Needs.OtherUsers)]
    public static void TheOwnerOfTheNameMay(CheckContext c)
    {
        Prepare(c, Octal(1777));
        User.Alice.Run(() =>
        {
            c.Ok(Rename(c.At("d/f"), c.At("d/g")));
            c.Ok(Unlink(c.At("d/g")));
            c.Ok(Sys.RmDir(c.At("d/e")));
        });
    }

    [Check(Source + ": the owner of the directory may", Needs = Needs.OtherUsers)]
    public static void TheOwnerOfTheDirectoryMay(CheckContext c)
    {
        Prepare(c, Octal(1777));
        c.Ok(ChOwn(c.At("d"), 70002, 70002));
        User.Bob.Run(() =>
        {
            c.Ok(Rename(c.At("d/f"), c.At("d/g")));
            c.Ok(Unlink(c.At("d/g")));
            c.Ok(Sys.RmDir(c.At("d/e")));
        });
    }

    [Check(Source + ": out of the directory, and over what is in another such one", Needs = Needs.OtherUsers)]
    public static void MovesBetweenDirectoriesAreHeldToo(CheckContext c)
    {
        Prepare(c, Octal(1777));
        c.Directory("open", Octal(777));
        c.Create("open/x", "", Octal(666));
        User.Bob.Run(() =>
        {
            c.Fails(EPERM, Rename(c.At("d/f"), c.At("open/f")));
            c.Fails(EPERM, Rename(c.At("open/x"), c.At("d/f")));
            c.Ok(Rename(c.At("open/x"), c.At("d/x")));
        });
    }

    [Check("POSIX unlink: without the bit anyone who may write may", Needs = Needs.OtherUsers)]
    public static void WithoutTheBitAnyoneMay(CheckContext c)
    {
        Prepare(c, Octal(777));
        User.Bob.Run(() =>
        {
            c.Ok(Unlink(c.At("d/f")));
            c.Ok(Sys.RmDir(c.At("d/e")));
        });
    }

    /// <summary>d of root with a file f and a directory e of Alice.</summary>
    private static void Prepare(CheckContext c, int mode)
    {
        c.Directory("d", mode);
        c.Create("d/f", "", Octal(666));
        c.Directory("d/e", Octal(777));
        c.Ok(ChOwn(c.At("d/f"), 70001, 70001));
        c.Ok(ChOwn(c.At("d/e"), 70001, 70001));
    }
}
