/** Most rows of one kind that belong to one thing on a page (jobs of a tag build, files of a job). */
export const bound = 2000;
