# The server of a pairwise study. Make the study first (mdfloss study init), then mount its folder:
#   docker build -t mdfloss-study . && docker run -p 8000:8000 -v "$PWD/study:/study" mdfloss-study
FROM python:3.12-slim
RUN useradd --create-home --uid 1000 study
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir ".[study]"
USER study
WORKDIR /home/study
VOLUME /study
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
  "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["mdfloss", "study", "serve", "/study", "--host", "0.0.0.0", "--port", "8000"]
