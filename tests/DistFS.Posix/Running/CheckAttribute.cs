namespace DistFS.Posix.Running;

/// <summary>What a check cannot do without.</summary>
[Flags]
public enum Needs
{
    Nothing = 0,

    /// <summary>The process runs as root.</summary>
    Root = 1,

    /// <summary>Root, and the directory can be reached by users without rights.</summary>
    OtherUsers = 2,

    /// <summary>A second directory that is the same one through another mount.</summary>
    SecondMount = 4,
}

/// <summary>A check: a public static method of a class in DistFS.Posix.Checks that takes a context.</summary>
/// <param name="source">What says so: a clause of POSIX.1-2017 or a manual page.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CheckAttribute(string source) : Attribute
{
    public string Source => source;

    public Needs Needs { get; set; }
}
